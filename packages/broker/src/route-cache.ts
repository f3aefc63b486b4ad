import { computeRoute, type Route } from './route.js'
import { isWildcard, type SubscriptionTree } from './subscription-tree.js'

/** Remembers who receives a topic until subscriptions or permissions change. */
export class RouteCache {
  readonly #tree: SubscriptionTree
  readonly #maximum: number
  readonly #routes = new Map<string, Route>()
  /** Publishers stay with a topic for a while: comparing with the last one is cheaper than hashing a fresh string. */
  #lastTopic: string | undefined
  #lastRoute: Route = { receivers: [], shared: [] }

  /** `maximum` topics are remembered; one more, and all are forgotten, which costs a walk of the tree for each. */
  constructor(tree: SubscriptionTree, maximum: number) {
    this.#tree = tree
    this.#maximum = maximum
  }

  get(topic: string): Route {
    if (topic === this.#lastTopic) return this.#lastRoute
    let route = this.#routes.get(topic)
    if (route === undefined) {
      route = computeRoute(this.#tree, topic)
      if (this.#routes.size >= this.#maximum) this.#routes.clear()
      this.#routes.set(topic, route)
    }
    this.#lastTopic = topic
    this.#lastRoute = route
    return route
  }

  /** After a subscription under `path` came or went. */
  forgetPath(path: string): void {
    if (isWildcard(path)) return this.forgetAll()
    this.#lastTopic = undefined
    this.#routes.delete(path)
  }

  /** After somebody's permissions changed. */
  forgetAll(): void {
    this.#lastTopic = undefined
    this.#routes.clear()
  }
}
