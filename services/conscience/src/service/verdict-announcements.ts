import { NO_MATCHING_SUBSCRIBERS, type Published, type RequestContext } from '@jamey/bus'
import { topics, type Verdict } from '@jamey/contracts'
import type { ConscienceBus } from './conscience-bus.js'

export interface VerdictAnnouncementsParts {
  readonly bus: Pick<ConscienceBus, 'publish'>
  /** See `ConscienceOptions`. */
  readonly announcesUnheard: boolean
  readonly report: (kind: string, error: unknown) => void
}

interface Held {
  readonly verdict: Verdict
  readonly correlationId: string
  readonly context: Pick<RequestContext, 'remainingMs'>
  readonly resolve: () => void
}

const ANNOUNCEMENT_TIMEOUT_MS = 5_000

/**
 * Tells whoever subscribed of verdicts. Where the server says of one that nobody is subscribed, of those after it only
 * the oldest asks again at a time: its answer holds for all that were there when it was sent, since they would have come
 * to the server right behind it. So nobody misses a verdict that was made after the subscription was granted.
 */
export class VerdictAnnouncements {
  readonly #parts: VerdictAnnouncementsParts
  #isUnheard = false
  #isAsking = false
  /** The oldest first. */
  #held: Held[] = []

  constructor(parts: VerdictAnnouncementsParts) {
    this.#parts = parts
  }

  /** Resolves once the server has it, or says that nobody would get it; a verdict that cannot be announced is reported. */
  announce(verdict: Verdict, correlationId: string, context: Held['context']): Promise<void> {
    return new Promise((resolve) => {
      const held = { verdict, correlationId, context, resolve }
      if (!this.#isUnheard) this.#publish(held)
      else {
        this.#held.push(held)
        this.#ask()
      }
    })
  }

  /** Finds out whether the oldest is heard, and if not, none of those that are here now. */
  #ask(): void {
    const [oldest] = this.#held
    if (this.#isAsking || oldest === undefined) return
    const covered = this.#held
    this.#held = []
    this.#isAsking = true
    this.#publish(oldest, (isUnheard) => {
      this.#isAsking = false
      const others = covered.slice(1)
      if (isUnheard) {
        for (const { resolve } of others) resolve()
        return this.#ask()
      }
      for (const held of [...others, ...this.#held.splice(0)]) this.#publish(held)
    })
  }

  /** Changed arguments are for whoever asked. */
  #publish({ verdict, correlationId, context, resolve }: Held, then?: (isUnheard: boolean) => void): void {
    const timeoutMs = Math.max(1, Math.min(ANNOUNCEMENT_TIMEOUT_MS, context.remainingMs / 2))
    const told = verdict.kind === 'call' ? { ...verdict, arguments: undefined } : verdict
    const settle = (isUnheard: boolean): void => {
      this.#isUnheard = isUnheard
      then?.(isUnheard)
      resolve()
    }
    this.#parts.bus
      // The request is acknowledged after it, and comes again before: no need to wait for a disk, too.
      .publish(topics.conscience.results, told, { correlationId, timeoutMs, isDurable: false })
      .then(
        (published) => settle(this.#isUnheardBy(published)),
        (error: unknown) => {
          this.#parts.report('announcement-failed', error)
          settle(false)
        },
      )
  }

  #isUnheardBy({ reasonCode }: Published): boolean {
    return !this.#parts.announcesUnheard && reasonCode === NO_MATCHING_SUBSCRIBERS
  }
}
