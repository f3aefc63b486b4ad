/** Who publishes where, and who subscribes to what. */
export type Layout =
  /** Everybody on one topic. */
  | { readonly kind: 'shared'; readonly publishers: number; readonly subscribers: number }
  /** So many publishers, each with a topic and a subscriber of its own. */
  | { readonly kind: 'pairs'; readonly pairs: number }
  /** One publisher; so many filters with wildcards, of which each message meets ten. */
  | { readonly kind: 'wildcards'; readonly filters: number }

export interface Places {
  /** Topics of each publisher, one message for each of them in turn. */
  readonly publishers: readonly (readonly string[])[]
  /** Topic filters of each subscriber. */
  readonly subscribers: readonly (readonly string[])[]
  /** Subscribers that get each message. */
  readonly fanOut: number
}

/** Every place a wildcard can have in four levels, each for a subscriber of its own. */
const WILDCARDS: readonly ((i: number) => string)[] = [
  (i) => `+/b${i}/c${i}/d${i}`,
  (i) => `a${i}/+/c${i}/d${i}`,
  (i) => `a${i}/b${i}/+/d${i}`,
  (i) => `a${i}/b${i}/c${i}/+`,
  (i) => `a${i}/+/+/d${i}`,
  (i) => `+/+/c${i}/+`,
  (i) => `a${i}/#`,
  (i) => `a${i}/b${i}/#`,
  (i) => `+/b${i}/+/#`,
  (i) => `a${i}/b${i}/c${i}/d${i}/#`,
]

export function placesOf(layout: Layout): Places {
  switch (layout.kind) {
    case 'shared':
      return {
        publishers: Array.from({ length: layout.publishers }, () => ['bench/topic']),
        subscribers: Array.from({ length: layout.subscribers }, () => ['bench/topic']),
        fanOut: layout.subscribers,
      }
    case 'pairs': {
      const topics = Array.from({ length: layout.pairs }, (_, i) => [`bench/topic/${i}`])
      return { publishers: topics, subscribers: topics, fanOut: 1 }
    }
    case 'wildcards': {
      const each = Array.from({ length: Math.ceil(layout.filters / WILDCARDS.length) }, (_, i) => i)
      return {
        publishers: [each.map((i) => `a${i}/b${i}/c${i}/d${i}`)],
        subscribers: WILDCARDS.map((filterOf) => each.map(filterOf)),
        fanOut: WILDCARDS.length,
      }
    }
  }
}
