/** The share group that is tried. */
export const PROBE_GROUP = 'jamey-probe'

/** `not-permitted`: this client has no right to try it there. `unknown`: nothing that was said or came tells. */
export type Answer = 'yes' | 'no' | 'not-permitted' | 'unknown'

/**
 * What a server does with what a client may not. `ignored`: it says yes, and nothing comes of it. `carried-out`: it says
 * yes and does it.
 */
export type Denial = 'refused' | 'connection-closed' | 'ignored' | 'carried-out' | 'not-tried'

/** The facts about a server, as somebody saw who is connected to it. */
export interface ServerFacts {
  readonly protocolVersion: 4 | 5
  /** Says whether it takes tokens by the authentication method JWT; `unknown` without a token. */
  readonly takesMethod: Answer
  /** Bytes; undefined where it names no bound. */
  readonly maximumPacketBytes: number | undefined
  readonly maximumQoS: number
  /** Says whether a publish that nobody subscribes to is answered with 0x10. */
  readonly saysNobodySubscribes: Answer
  readonly shares: Answer
  readonly retains: Answer
  /** Says whether retained messages come for a filter with a wildcard, too. */
  readonly retainsForWildcards: Answer
  /** Says whether the next connection finds the session, its subscriptions, and its share. */
  readonly session: { readonly isPresent: Answer; readonly subscription: Answer; readonly share: Answer }
  readonly deniedPublish: Denial
  readonly deniedSubscribe: Denial
  readonly deniedGroup: Denial
  /** Says whether a connection ends with its token. */
  readonly endsWithToken: Answer
}
