import { MAXIMUM_REMEMBERED_TOPIC } from '../support/topic-bounds.js'
import type { TopicFilters } from '../support/topic-filters.js'
import { computeRoute, type Route } from './route.js'
import { isWildcard, type SubscriptionTree } from './subscription-tree.js'

/** Receivers remembered, as many a topic on average. */
const MAXIMUM_RECEIVERS_PER_TOPIC = 64

/** Remembers who receives a topic until subscriptions or permissions change. */
export class RouteCache {
  readonly #tree: SubscriptionTree
  readonly #refuseWhenFull: TopicFilters | undefined
  #maximum: number
  readonly #routes = new Map<string, Route>()
  /** Publishers stay with a topic for a while: comparing with the last one is cheaper than hashing a fresh string. */
  #lastTopic: string | undefined
  #lastRoute: Route = { receivers: [], shared: [], isRefusedWhenFull: false }
  #receivers = 0

  get size(): number {
    return this.#routes.size
  }

  /** `maximum` topics are remembered; one more, and all are forgotten, which costs a walk of the tree for each. */
  constructor(tree: SubscriptionTree, maximum: number, refuseWhenFull?: TopicFilters | undefined) {
    this.#tree = tree
    this.#maximum = maximum
    this.#refuseWhenFull = refuseWhenFull
  }

  set maximum(topics: number) {
    this.#maximum = topics
    this.forgetAll()
  }

  get(topic: string): Route {
    if (topic === this.#lastTopic) return this.#lastRoute
    let route = this.#routes.get(topic)
    if (route === undefined) {
      route = computeRoute(this.#tree, topic, this.#refuseWhenFull?.selects(topic) === true)
      if (topic.length > MAXIMUM_REMEMBERED_TOPIC) return route
      this.#remember(topic, route)
    }
    this.#lastTopic = topic
    this.#lastRoute = route
    return route
  }

  #remember(topic: string, route: Route): void {
    const receivers = receiversOf(route)
    const isFull = this.#receivers + receivers > this.#maximum * MAXIMUM_RECEIVERS_PER_TOPIC
    if (isFull || this.#routes.size >= this.#maximum) this.forgetAll()
    this.#receivers += receivers
    this.#routes.set(topic, route)
  }

  /** Forgets the routes that a subscription under `path` may have changed. */
  forgetPath(path: string): void {
    if (isWildcard(path)) return this.forgetAll()
    this.#lastTopic = undefined
    const route = this.#routes.get(path)
    if (route === undefined) return
    this.#receivers -= receiversOf(route)
    this.#routes.delete(path)
  }

  /** Forgets all routes, after somebody's permissions changed. */
  forgetAll(): void {
    this.#lastTopic = undefined
    this.#receivers = 0
    this.#routes.clear()
  }
}

function receiversOf({ receivers, shared }: Route): number {
  let count = receivers.length
  for (const { members } of shared) count += members.length
  return count
}
