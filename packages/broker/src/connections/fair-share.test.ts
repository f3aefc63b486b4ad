import { setImmediate as turnEnds } from 'node:timers/promises'
import { RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../support/clock.js'
import type { Counters } from '../support/counters.js'
import { startBroker } from '../test-support/start-broker.js'
import { FairShare } from './fair-share.js'
import { PublishingTime } from './publishing-time.js'

const FLOOD = 10_000

/** A broker for which every look at the clock takes two fifths of a millisecond, so that time is work alone. */
async function start(clock: Partial<Clock> = {}) {
  let nowMs = 0
  const now = (): number => {
    nowMs += 0.4
    return nowMs
  }
  return startBroker({ clock: { ...systemClock, now, ...clock }, limits: { sysIntervalSeconds: 0 } })
}

const PUBLISH = Buffer.from([0x30, 0x05, 0x00, 0x01, 0x66, 0x00, 0x78])
const PINGREQ = Buffer.from([0xc0, 0x00])

describe('one that sends as fast as it can', () => {
  for (const [what, packet] of [
    ['publishes', PUBLISH],
    ['asks', PINGREQ],
  ] as const) {
    it(`and ${what} is read from in slices, between which others are heard, and loses nothing`, async () => {
      const { broker, port } = await start()
      const honest = await RawClient.connect(port)
      const flooding = await RawClient.connect(port)
      const all = broker.stats().packetsReceived + FLOOD
      flooding.sendBytes(Buffer.concat(Array<Buffer>(FLOOD).fill(packet)))
      let [longest, count] = [0, 0]
      for (let before = 0; before < all; count++) {
        expect(await honest.publishOnce('t', 'x')).toBe(0x10)
        const { packetsReceived } = broker.stats()
        if (count > 0) longest = Math.max(longest, packetsReceived - before)
        before = packetsReceived
      }
      await until(() => broker.stats().packetsReceived === all + count)
      expect(longest).toBeLessThan(FLOOD / 2)
      expect(broker.stats()).toMatchObject({ connections: 2, protocolErrors: 0 })
      expect(broker.stats().turnsYielded).toBeGreaterThan(20)
      if (packet === PINGREQ) for (let n = 0; n < FLOOD; n++) await flooding.expect('pingresp')
    })
  }

  it('alone is not made to wait', async () => {
    const timers: number[] = []
    const setTimeout = (callback: () => void, delayMs: number): unknown => {
      timers.push(delayMs)
      return systemClock.setTimeout(callback, delayMs)
    }
    const { broker, port } = await start({ setTimeout })
    const flooding = await RawClient.connect(port)
    timers.length = 0
    flooding.sendBytes(Buffer.concat(Array<Buffer>(FLOOD).fill(PUBLISH)))
    await until(() => broker.stats().publishesReceived === FLOOD)
    expect(broker.stats().turnsYielded).toBeGreaterThan(20)
    expect(timers).toEqual([])
  })
})

type Connection = ConstructorParameters<typeof FairShare>[0]

/** An event loop that nothing but these publishers keeps busy, in a time that only their work and `idle` move. */
class Loop {
  readonly rests: string[] = []
  readonly #publishers = new Map<
    string,
    { share: FairShare; holds: number; goOn?: (() => void) | undefined }
  >()
  readonly #counters = { publishesReceived: 0, turnsYielded: 0 } as Counters
  #nowMs = 1_000
  #idleMs = 0

  readonly #clock: Clock = {
    ...systemClock,
    now: () => this.#nowMs,
    idle: () => this.#idleMs,
  }
  readonly #time = new PublishingTime(this.#clock)

  constructor(names: readonly string[]) {
    for (const name of names) this.#publishers.set(name, this.#publisher(name))
  }

  #publisher(name: string) {
    const setTimeout = (callback: () => void): unknown => {
      this.rests.push(name)
      publisher.goOn = callback
      return name
    }
    const context = {
      clock: { ...this.#clock, setTimeout },
      counters: this.#counters,
      publishingTime: this.#time,
      writeBatcher: { request: () => {} },
    }
    const connection = {
      context,
      session: undefined,
      get holds() {
        return publisher.holds
      },
      pauseReading: () => void publisher.holds++,
      resumeReading: () => void publisher.holds--,
    }
    const publisher: { share: FairShare; holds: number; goOn?: (() => void) | undefined } = {
      share: new FairShare(connection as unknown as Connection),
      holds: 0,
    }
    return publisher
  }

  /**
   * One turn, in which each brings so many bytes, which take so long; who rests is not read from. `programMs`: what the
   * program has to do that the broker is part of.
   */
  async turn(
    read: Readonly<Record<string, readonly [bytes: number, workMs: number]>>,
    idleMs = 0,
    programMs = 0,
  ) {
    const worked: Record<string, number> = {}
    for (const [name, [bytes, workMs]] of Object.entries(read)) {
      const publisher = this.#publishers.get(name)
      if (publisher === undefined || publisher.holds > 0) continue
      publisher.share.begin(bytes)
      this.#nowMs += workMs
      this.#counters.publishesReceived++
      publisher.share.end()
      worked[name] = workMs
    }
    this.#nowMs += programMs
    this.#time.beforeFlush()
    this.#time.afterFlush()
    await turnEnds()
    this.#nowMs += idleMs
    this.#idleMs += idleMs
    return worked
  }

  /** Those who rest are read from again. */
  endRests(): void {
    for (const publisher of this.#publishers.values()) {
      publisher.goOn?.()
      publisher.goOn = undefined
    }
  }
}

describe('among publishers', () => {
  const FLOODS = [65_536, 1.2] as const

  async function restsAfter(
    read: Parameters<Loop['turn']>[0],
    idleMs = 0,
    programMs = 0,
  ): Promise<Set<string>> {
    const loop = new Loop(Object.keys(read))
    for (let n = 0; n < 200; n++) {
      await loop.turn(read, idleMs, programMs)
      loop.endRests()
    }
    return new Set(loop.rests)
  }

  it('one that floods rests while another publishes, and the other does not', async () => {
    expect(await restsAfter({ flood: FLOODS, other: [500, 0.1] })).toEqual(new Set(['flood']))
  })

  it('one that floods rests until it has had a third of what the other had', async () => {
    const loop = new Loop(['flood', 'other'])
    const sums = { flood: 0, other: 0 }
    for (let n = 0; n < 3_000; n++) {
      const worked = await loop.turn({ flood: FLOODS, other: [30_000, 0.6] })
      if (n >= 1_000) for (const name of ['flood', 'other'] as const) sums[name] += worked[name] ?? 0
      // A rest of three slices and a half is over after so many turns of the other.
      if (n % 6 === 0) loop.endRests()
    }
    expect(sums.flood / sums.other).toBeGreaterThan(0.2)
    expect(sums.flood / sums.other).toBeLessThan(0.45)
  })

  it('nobody rests for one that does not publish', async () => {
    expect(await restsAfter({ flood: FLOODS })).toEqual(new Set())
  })

  it('one that waits for answers does not rest, however many it waits for', async () => {
    const asking = { requester: [131_072, 1.2], responder: [100_000, 1.1] } as const
    expect(await restsAfter(asking, 6)).toEqual(new Set())
  })

  it('nobody rests for what the program does that the broker is part of', async () => {
    const served = { service: [131_072, 1.2], asker: [65_536, 0.3] } as const
    expect(await restsAfter(served, 0, 6)).toEqual(new Set())
    expect(await restsAfter(served, 0, 0)).toEqual(new Set(['service']))
  })

  it('of two that flood both rest in their turn', async () => {
    expect(await restsAfter({ ann: FLOODS, bob: [65_536, 1.3] })).toContain('bob')
  })
})
