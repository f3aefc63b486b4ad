import { SharedGroup, type Subscriber, type Subscription } from './subscription.js'

/** Everything subscribed under one filter. */
export class Leaf {
  readonly subscriptions = new Map<Subscriber, Subscription>()
  readonly groups = new Map<string, SharedGroup>()

  get isEmpty(): boolean {
    return this.subscriptions.size === 0 && this.groups.size === 0
  }
}

interface Node {
  /** Children by level; '+' and '#' stand among them, since no topic has a level of these names. */
  children: Map<string, Node>
  leaf: Leaf | undefined
}

/**
 * Finds the filters that select a topic. Filters without a wildcard lie in a map; the others in a tree with one
 * level of the filter per level of the tree, so a topic visits only branches that can still match.
 */
export class SubscriptionTree {
  readonly #exact = new Map<string, Leaf>()
  readonly #root: Node = newNode()
  #size = 0
  #groups = 0

  get size(): number {
    return this.#size
  }

  /** Filters that groups share, each once. */
  get sharedSize(): number {
    return this.#groups
  }

  /** True where not even an empty branch is left. */
  get isEmpty(): boolean {
    return this.#exact.size === 0 && this.#root.children.size === 0
  }

  /** The group that `filter` (with `$share/<name>/`) names under `path`, made where there was none. */
  group(path: string, filter: string): SharedGroup {
    const leaf = this.#leafFor(path)
    let group = leaf.groups.get(filter)
    if (group === undefined) {
      group = new SharedGroup(filter)
      leaf.groups.set(filter, group)
      this.#groups++
    }
    return group
  }

  /** Replaces the subscription of the same session and filter. */
  add(subscription: Subscription): void {
    const leaf = this.#leafFor(subscription.path)
    const { group, session } = subscription
    const before = group === undefined ? leaf.subscriptions.size : group.members.length
    if (group === undefined) leaf.subscriptions.set(session, subscription)
    else group.add(subscription)
    const after = group === undefined ? leaf.subscriptions.size : group.members.length
    this.#size += after - before
  }

  /** The subscription must be in the tree. */
  remove(subscription: Subscription): void {
    const { path, group, session } = subscription
    const levels = path.split('/')
    const nodes = isWildcard(path) ? this.#nodesOf(levels) : undefined
    const leaf = nodes === undefined ? this.#exact.get(path) : nodes.at(-1)?.leaf
    if (leaf === undefined) return
    if (group === undefined) leaf.subscriptions.delete(session)
    else {
      group.remove(subscription)
      if (group.members.length === 0 && leaf.groups.delete(group.filter)) this.#groups--
    }
    this.#size--
    if (!leaf.isEmpty) return
    if (nodes === undefined) this.#exact.delete(path)
    else prune(nodes, levels)
  }

  /** Calls `visit` once for each filter that selects `topic`. */
  match(topic: string, visit: (leaf: Leaf) => void): void {
    const exact = this.#exact.get(topic)
    if (exact !== undefined) visit(exact)
    if (this.#root.children.size > 0) walk(this.#root, topic.split('/'), 0, visit)
  }

  #leafFor(path: string): Leaf {
    if (!isWildcard(path)) {
      let leaf = this.#exact.get(path)
      if (leaf === undefined) {
        leaf = new Leaf()
        this.#exact.set(path, leaf)
      }
      return leaf
    }
    let node = this.#root
    for (const level of path.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = newNode()
        node.children.set(level, child)
      }
      node = child
    }
    node.leaf ??= new Leaf()
    return node.leaf
  }

  /** The nodes from the root to the one of this filter; undefined where there is none. */
  #nodesOf(levels: readonly string[]): Node[] | undefined {
    const nodes = [this.#root]
    let node: Node | undefined = this.#root
    for (const level of levels) {
      node = node.children.get(level)
      if (node === undefined) return undefined
      nodes.push(node)
    }
    return nodes
  }
}

export function isWildcard(path: string): boolean {
  return path.includes('+') || path.includes('#')
}

function newNode(): Node {
  return { children: new Map(), leaf: undefined }
}

function walk(node: Node, levels: readonly string[], at: number, visit: (leaf: Leaf) => void): void {
  const level = levels[at]
  // A wildcard in the first level does not select `$SYS` and its like. [MQTT-4.7.2-1]
  const mayBeWild = at > 0 || !levels[0]?.startsWith('$')
  if (mayBeWild) {
    // `sport/#` selects `sport`, too, so '#' is looked at before the topic's end. [MQTT 5.0 section 4.7.1.2]
    const rest = node.children.get('#')?.leaf
    if (rest !== undefined) visit(rest)
  }
  if (level === undefined) {
    if (node.leaf !== undefined) visit(node.leaf)
    return
  }
  const named = node.children.get(level)
  if (named !== undefined) walk(named, levels, at + 1, visit)
  const any = mayBeWild ? node.children.get('+') : undefined
  if (any !== undefined) walk(any, levels, at + 1, visit)
}

/** Takes the emptied leaf away, and every node that leads nowhere any more. */
function prune(nodes: readonly Node[], levels: readonly string[]): void {
  const last = nodes.at(-1)
  if (last !== undefined) last.leaf = undefined
  for (let depth = levels.length; depth > 0; depth--) {
    const node = nodes[depth]
    if (node === undefined || node.children.size > 0 || node.leaf !== undefined) return
    nodes[depth - 1]?.children.delete(levels[depth - 1] as string)
  }
}
