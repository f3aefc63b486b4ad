import { ExpiryHeap } from '../support/expiry-heap.js'
import type { Limits } from '../support/limits.js'
import { countLevels } from '../support/topic-bounds.js'
import type { Message } from './message.js'

/** Bytes that one level of a topic takes in the tree, measured: a node, its map and the entry that leads to it. */
const LEVEL_BYTES = 288

/** Number of expiring messages from which on those that are not retained any more are sorted out. */
const LEAST_TO_SORT_OUT = 1000

interface Node {
  children: Map<string, Node>
  message: Message | undefined
}

interface Share {
  messages: number
  bytes: number
}

type RetainedLimits = Pick<
  Limits,
  'retainedMessages' | 'retainedBytes' | 'retainedMessagesPerClient' | 'retainedBytesPerClient'
>

/** The retained message of each topic, found by filter. Bounds are the caller's business: see `hasRoomFor`. */
export class RetainedTree {
  readonly #root: Node = { children: new Map(), message: undefined }
  readonly #byClient = new Map<string, Share>()
  readonly #expiring = new ExpiryHeap<Message>()
  /** Number of retained messages that expire. */
  #expiringSize = 0
  #size = 0
  #bytes = 0
  #visited = 0

  get size(): number {
    return this.#size
  }

  /** Estimate of the memory it holds. Levels that topics share are charged to each of them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Nodes that `match` looked at since the tree was made, which tells how much work it did. */
  get visited(): number {
    return this.#visited
  }

  /** True where `message` may become the retained one of its topic, in place of the former. */
  hasRoomFor(message: Message, limits: RetainedLimits): boolean {
    const former = this.get(message.topic)
    const own = this.#byClient.get(message.publishedBy) ?? { messages: 0, bytes: 0 }
    const freed = former === undefined ? 0 : 1
    const freedBytes = former === undefined ? 0 : bytesOf(former)
    const isOwn = former?.publishedBy === message.publishedBy
    const bytes = bytesOf(message)
    return (
      this.#size - freed < limits.retainedMessages &&
      this.#bytes - freedBytes + bytes <= limits.retainedBytes &&
      own.messages - (isOwn ? freed : 0) < limits.retainedMessagesPerClient &&
      own.bytes - (isOwn ? freedBytes : 0) + bytes <= limits.retainedBytesPerClient
    )
  }

  get(topic: string): Message | undefined {
    let node: Node | undefined = this.#root
    for (const level of topic.split('/')) {
      node = node.children.get(level)
      if (node === undefined) return undefined
    }
    return node.message
  }

  set(message: Message): void {
    let node = this.#root
    for (const level of message.topic.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = { children: new Map(), message: undefined }
        node.children.set(level, child)
      }
      node = child
    }
    if (node.message !== undefined) this.#charge(node.message, -1)
    this.#charge(message, 1)
    node.message = message
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) this.#addExpiring(message)
  }

  #addExpiring(message: Message): void {
    this.#expiring.push(message)
    // Messages that were replaced or deleted before they expired may not pile up.
    if (this.#expiring.size < LEAST_TO_SORT_OUT || this.#expiring.size < 2 * this.#expiringSize) return
    this.#expiring.keepOnly((one) => this.get(one.topic) === one)
  }

  /** Nothing expires before, by the monotonic clock; infinity where nothing does. */
  get expiresFromMs(): number {
    return this.#expiringSize === 0
      ? Number.POSITIVE_INFINITY
      : (this.#expiring.first?.expiresAtMs ?? Number.POSITIVE_INFINITY)
  }

  /** A message that has expired by then and is to be deleted. */
  firstExpired(nowMs: number): Message | undefined {
    for (let first = this.#expiring.first; first !== undefined; first = this.#expiring.first) {
      const isRetained = this.get(first.topic) === first
      if (isRetained) return first.expiresAtMs <= nowMs ? first : undefined
      this.#expiring.shift()
    }
    return undefined
  }

  /** True where there was one. */
  delete(topic: string): boolean {
    const levels = topic.split('/')
    const nodes = [this.#root]
    let node: Node | undefined = this.#root
    for (const level of levels) {
      node = node.children.get(level)
      if (node === undefined) return false
      nodes.push(node)
    }
    if (node.message === undefined) return false
    this.#charge(node.message, -1)
    node.message = undefined
    for (let depth = levels.length; depth > 0; depth--) {
      const at = nodes[depth]
      if (at === undefined || at.children.size > 0 || at.message !== undefined) break
      nodes[depth - 1]?.children.delete(levels[depth - 1] as string)
    }
    return true
  }

  /**
   * Looks at one node after the other that may have what `filter` (without `$share`) selects, and gives its message, or
   * undefined where there is none. What is set or deleted while it goes on may or may not be among them.
   */
  *match(filter: string): Generator<Message | undefined, void> {
    for (const message of select(this.#root, filter.split('/'), 0)) {
      this.#visited++
      yield message
    }
  }

  #charge(message: Message, sign: 1 | -1): void {
    const { publishedBy } = message
    const share = this.#byClient.get(publishedBy) ?? { messages: 0, bytes: 0 }
    const bytes = sign * bytesOf(message)
    this.#size += sign
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) this.#expiringSize += sign
    this.#bytes += bytes
    share.messages += sign
    share.bytes += bytes
    if (share.messages === 0) this.#byClient.delete(publishedBy)
    else this.#byClient.set(publishedBy, share)
  }
}

function bytesOf(message: Message): number {
  return message.bytes + countLevels(message.topic) * LEVEL_BYTES
}

function* select(node: Node, levels: readonly string[], at: number): Generator<Message | undefined, void> {
  const level = levels[at]
  if (level === undefined) yield node.message
  else if (level === '#') yield* selectAll(node, at === 0)
  else if (level === '+') {
    for (const [name, child] of node.children) {
      // [MQTT-4.7.2-1]
      if (at > 0 || !name.startsWith('$')) yield* select(child, levels, at + 1)
    }
  } else {
    const child = node.children.get(level)
    if (child === undefined) yield undefined
    else yield* select(child, levels, at + 1)
  }
}

function* selectAll(node: Node, isFirstLevel: boolean): Generator<Message | undefined, void> {
  yield node.message
  for (const [name, child] of node.children) {
    if (!isFirstLevel || !name.startsWith('$')) yield* selectAll(child, false)
  }
}
