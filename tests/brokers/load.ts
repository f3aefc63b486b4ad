import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { comesTrue } from './scene.js'
import { pause } from './server-process.js'
import { ask } from './system.js'

/** Longer than any outage of the suite; who waits longer is lost. */
export const PATIENCE_MS = 30_000
const TICK_MS = 5
const VERDICTS_MS = 3000

export interface Tally {
  readonly sent: number
  readonly answered: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
  /** Why requests were not answered, and how often. */
  readonly failures: Readonly<Record<string, number>>
  /** How many verdicts each conscience gave. */
  readonly judged: ReadonlyMap<string, number>
  /** Requests that were judged more than once. */
  readonly doubled: number
}

/** Requests at a steady rate, whether those before are answered or not, by several clients in turn. */
export class Load {
  readonly #askers: readonly Bus[]
  readonly #ratePerSecond: number
  readonly #label: string
  readonly #waits: number[] = []
  readonly #failures: Record<string, number> = {}
  readonly #judged = new Map<string, number>()
  readonly #lately = new Map<string, number>()
  readonly #verdicts = new Map<string, number>()
  readonly #underway = new Set<Promise<void>>()
  #sent = 0
  #isOver = false
  #running = Promise.resolve()
  #stopWatching: () => Promise<void> = async () => {}

  private constructor(askers: readonly Bus[], ratePerSecond: number) {
    this.#askers = askers
    this.#ratePerSecond = ratePerSecond
    this.#label = `read line ${performance.now()}`
  }

  /** `watcher` counts the verdicts. */
  static async start(askers: readonly Bus[], watcher: Bus, ratePerSecond: number): Promise<Load> {
    const load = new Load(askers, ratePerSecond)
    const watching = await watcher.subscribe(topics.conscience.results, ({ data, sender }) => {
      if (data.kind !== 'text' || !data.action.startsWith(load.#label)) return
      load.#verdicts.set(data.action, (load.#verdicts.get(data.action) ?? 0) + 1)
      for (const counts of [load.#judged, load.#lately]) {
        counts.set(sender.clientId, (counts.get(sender.clientId) ?? 0) + 1)
      }
    })
    load.#stopWatching = () => watching.unsubscribe()
    load.#running = load.#run()
    return load
  }

  /** Who of these gave most of the verdicts of late, and forgets what was before. */
  mostJudgedOf<P extends { readonly clientId: string }>(parts: readonly P[]): P {
    const count = ({ clientId }: P): number => this.#lately.get(clientId) ?? 0
    const most = [...parts].sort((a, b) => count(b) - count(a))[0]
    if (most === undefined || count(most) === 0) throw new Error('nobody judged anything')
    this.#lately.clear()
    return most
  }

  /** No more are sent; resolves when each has its answer, or has none. */
  async finish(): Promise<Tally> {
    this.#isOver = true
    await Promise.all(this.#underway)
    await comesTrue(() => this.#verdicts.size >= this.#waits.length, VERDICTS_MS)
    await this.#stopWatching()
    const waits = this.#waits.sort((a, b) => a - b)
    const at = (share: number): number =>
      waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0
    return {
      sent: this.#sent,
      answered: waits.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      longestMs: waits.at(-1) ?? 0,
      failures: this.#failures,
      judged: this.#judged,
      doubled: [...this.#verdicts.values()].filter((count) => count > 1).length,
    }
  }

  /** Of a scene that failed: resolves when no more are sent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#running
    await this.#stopWatching()
  }

  async #run(): Promise<void> {
    const startedAtMs = performance.now()
    while (!this.#isOver) {
      const due = Math.floor(((performance.now() - startedAtMs) / 1000) * this.#ratePerSecond)
      while (this.#sent < due) this.#send()
      await pause(TICK_MS)
    }
  }

  #send(): void {
    const n = this.#sent++
    const asker = this.#askers[n % this.#askers.length] as Bus
    const startedAtMs = performance.now()
    const done = ask(asker, `${this.#label} ${n}`, PATIENCE_MS).then(
      () => void this.#waits.push(performance.now() - startedAtMs),
      (error: Error & { code?: string }) => {
        const name = error.code ?? error.name
        this.#failures[name] = (this.#failures[name] ?? 0) + 1
      },
    )
    const underway = done.finally(() => this.#underway.delete(underway))
    this.#underway.add(underway)
  }
}

/** `9 000 of 9 000; 4.7 / 96 ms`. */
export function tallyText({ sent, answered, p50Ms, p99Ms, failures }: Tally): string {
  const why = Object.entries(failures).map(([name, count]) => `${count} ${name}`)
  const lost = why.length === 0 ? '' : ` (${why.join(', ')})`
  return `${grouped(answered)} of ${grouped(sent)}${lost}; ${shortMs(p50Ms)} / ${shortMs(p99Ms)}`
}

export function shortMs(ms: number): string {
  return ms < 100 ? ms.toFixed(1) : grouped(Math.round(ms))
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ' ')
}
