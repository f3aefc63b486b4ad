import { ConnectionError } from '@jamey/mqtt'
import { chance, Loop, pause, type Role, type World } from './world.js'

/** Has one steady client after the other renew its credentials while everything goes on. */
export class Renewals implements Role {
  readonly name = 'renewals'
  readonly counts = { renewals: 0, longestMs: 0 }
  readonly #world: World
  #loop: Loop | undefined
  #at = 0

  constructor(world: World) {
    this.#world = world
  }

  async start(): Promise<void> {
    this.#loop = new Loop(this.#world, 'renewal', async () => {
      await pause(chance(500, 2500))
      const all = [...this.#world.steady]
      const [name, client] = all[this.#at++ % all.length] ?? []
      if (client === undefined || client.state !== 'connected') return
      const from = performance.now()
      try {
        await client.reauthenticate({ timeoutMs: 30_000 })
      } catch (error) {
        // A durable publisher may be closed meanwhile; its successor comes a moment later.
        const isClosed = error instanceof ConnectionError && error.code === 'closed'
        if (!isClosed && this.#world.steady.get(name as string) === client) throw error
      }
      this.counts.renewals++
      this.counts['longestMs'] = Math.max(this.counts['longestMs'] ?? 0, Math.round(performance.now() - from))
    })
  }

  async stop(): Promise<void> {
    await this.#loop?.stop()
  }

  isComplete(): boolean {
    return true
  }

  async finish(): Promise<void> {}
}
