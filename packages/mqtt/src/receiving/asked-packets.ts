import type { SubscriptionRequest } from '@jamey/protocol'
import { PUBLISH_IDENTIFIERS } from '../model/settings.js'
import type { Route } from './dispatcher.js'
import type { Handling } from './handling.js'
import type { Waiter } from './subscription-waiter.js'

const LAST_IDENTIFIER = 65_535

/**
 * A wanted subscription. `unsent`: the server is to be asked; `asked`: it was, on this connection; `withheld`: it is
 * not, since the connection would end.
 */
export interface Entry extends Route {
  request: SubscriptionRequest
  handlings: readonly Handling[]
  state: 'unsent' | 'asked' | 'granted' | 'withheld'
  granted: number
  waiters: Waiter[] | undefined
}

/** The subject of a SUBSCRIBE or UNSUBSCRIBE in flight. */
export type Asked =
  | {
      readonly kind: 'subscribe'
      readonly filter: string
      readonly entry: Entry
      readonly request: SubscriptionRequest
    }
  | AskedRemoval

export interface AskedRemoval {
  readonly kind: 'unsubscribe'
  readonly filter: string
  readonly waiters: Waiter[]
}

/** The SUBSCRIBE and UNSUBSCRIBE of one connection that wait for their answers, by packet identifier. */
export class AskedPackets extends Map<number, Asked> {
  /** Number of packets that may wait at once. */
  most = Number.POSITIVE_INFINITY
  #identifier = PUBLISH_IDENTIFIERS

  /** Gives the packet an identifier above those of PUBLISH, so that the two never meet. There has to be room. */
  add(asked: Asked): number {
    do this.#identifier = this.#identifier >= LAST_IDENTIFIER ? PUBLISH_IDENTIFIERS + 1 : this.#identifier + 1
    while (this.has(this.#identifier))
    this.set(this.#identifier, asked)
    return this.#identifier
  }

  get hasRoom(): boolean {
    return this.size < Math.min(LAST_IDENTIFIER - PUBLISH_IDENTIFIERS, this.most)
  }

  /** Takes all out. */
  take(): Asked[] {
    const all = [...this.values()]
    this.clear()
    return all
  }
}
