import type { Message } from './message.js'

interface Node {
  children: Map<string, Node>
  message: Message | undefined
}

/** The retained message of each topic, found by filter. Bounds are the caller's business: see `size` and `bytes`. */
export class RetainedTree {
  readonly #root: Node = { children: new Map(), message: undefined }
  #size = 0
  #bytes = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
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
    if (node.message === undefined) this.#size++
    this.#bytes += message.bytes - (node.message?.bytes ?? 0)
    node.message = message
  }

  /** Whether there was one. */
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
    this.#size--
    this.#bytes -= node.message.bytes
    node.message = undefined
    for (let depth = levels.length; depth > 0; depth--) {
      const at = nodes[depth]
      if (at === undefined || at.children.size > 0 || at.message !== undefined) break
      nodes[depth - 1]?.children.delete(levels[depth - 1] as string)
    }
    return true
  }

  /** Every retained message that `filter` (without `$share`) selects. */
  match(filter: string): Message[] {
    const found: Message[] = []
    collect(this.#root, filter.split('/'), 0, found)
    return found
  }
}

function collect(node: Node, levels: readonly string[], at: number, found: Message[]): void {
  const level = levels[at]
  if (level === undefined) {
    if (node.message !== undefined) found.push(node.message)
    return
  }
  if (level === '#') return collectAll(node, at === 0, found)
  if (level !== '+') {
    const child = node.children.get(level)
    if (child !== undefined) collect(child, levels, at + 1, found)
    return
  }
  for (const [name, child] of node.children) {
    // [MQTT-4.7.2-1]
    if (at > 0 || !name.startsWith('$')) collect(child, levels, at + 1, found)
  }
}

function collectAll(node: Node, isFirstLevel: boolean, found: Message[]): void {
  if (node.message !== undefined) found.push(node.message)
  for (const [name, child] of node.children) {
    if (!isFirstLevel || !name.startsWith('$')) collectAll(child, false, found)
  }
}
