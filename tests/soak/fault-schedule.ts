import type { FaultProxy } from '@jamey/testing'
import { chance, pause } from './world.js'

/** Bytes that may wait at the broker for one session while its link is down; its own bound is twice that. */
const MAXIMUM_WAITING_BYTES = 8_388_608
/** What a message takes there, its own part of the bookkeeping included. */
const BYTES_PER_MESSAGE = 700
const MAXIMUM_OUTAGE_MS = 8000

/** Harms two links from time to time, never for longer than the broker can keep what waits. */
export class FaultSchedule {
  /** How often each fault came since `take`. */
  #counts: Record<string, number> = {}
  readonly #cut: FaultProxy
  readonly #stall: FaultProxy
  readonly #longestMs: number
  #isStopped = false
  #running: Promise<unknown> | undefined

  constructor(cut: FaultProxy, stall: FaultProxy, messagesPerSecond: number) {
    this.#cut = cut
    this.#stall = stall
    const affordableMs = (MAXIMUM_WAITING_BYTES / (messagesPerSecond * BYTES_PER_MESSAGE)) * 1000
    this.#longestMs = Math.round(Math.min(MAXIMUM_OUTAGE_MS, affordableMs))
  }

  start(): void {
    this.#running = Promise.all([this.#harmCut(), this.#harmStall()])
  }

  /** Heals everything. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
    this.#cut.faults = {}
    this.#stall.faults = {}
  }

  take(): Readonly<Record<string, number>> {
    const counts = this.#counts
    this.#counts = {}
    return counts
  }

  async #harmCut(): Promise<void> {
    const faults: Record<string, () => Promise<void>> = {
      cut: async () => this.#cut.cutAll(),
      'cut in the middle': async () => {
        this.#cut.faults = { cutAfterServerBytes: chance(1, 200_000) }
        await this.#lasting(1000)
      },
      'half open': async () => {
        this.#cut.faults = { isHalfOpen: true }
        await this.#lasting(chance(Math.min(500, this.#longestMs), this.#longestMs))
        this.#cut.cutAll()
      },
      'one way': async () => {
        this.#cut.faults = { drops: chance(0, 1) === 0 ? 'client' : 'server' }
        await this.#lasting(chance(Math.min(500, this.#longestMs), this.#longestMs))
        this.#cut.cutAll()
      },
      late: async () => {
        this.#cut.faults = { delayMs: chance(5, 100) }
        await this.#lasting(3000)
      },
      slow: async () => {
        this.#cut.faults = { bytesPerSecond: chance(50_000, 500_000) }
        await this.#lasting(Math.min(3000, this.#longestMs))
      },
    }
    await this.#harm(faults, () => {
      this.#cut.faults = {}
    })
  }

  async #harmStall(): Promise<void> {
    await this.#harm(
      {
        stall: async () => {
          this.#stall.faults = { isStalled: true }
          await this.#lasting(chance(200, this.#longestMs))
        },
      },
      () => {
        this.#stall.faults = {}
      },
    )
  }

  async #harm(faults: Readonly<Record<string, () => Promise<void>>>, heal: () => void): Promise<void> {
    const names = Object.keys(faults)
    while (!this.#isStopped) {
      await this.#lasting(chance(3000, 12_000))
      if (this.#isStopped) return
      const name = names[chance(0, names.length - 1)] as string
      this.#counts[name] = (this.#counts[name] ?? 0) + 1
      await faults[name]?.()
      heal()
    }
  }

  async #lasting(ms: number): Promise<void> {
    const endsAtMs = performance.now() + ms
    while (!this.#isStopped && performance.now() < endsAtMs) {
      await pause(Math.min(200, endsAtMs - performance.now()))
    }
  }
}
