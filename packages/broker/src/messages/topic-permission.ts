import type { Will } from '@jamey/protocol'
import type { Identity } from '../ports/authenticator.js'
import { countLevels, MAXIMUM_REMEMBERED_TOPIC } from '../support/topic-bounds.js'

/** Answers remembered for one connection. */
const MAXIMUM_REMEMBERED = 256

/** The answers of an identity about topics, asked once per topic: `false`, or a yes that may say more. */
export class TopicPermission<Yes = true> {
  readonly #ask: (identity: Identity, topic: string) => Yes | boolean
  readonly #answers = new Map<string, Yes | boolean>()
  #identity: Identity | undefined
  #lastTopic: string | undefined
  #lastAnswer: Yes | boolean = false

  constructor(ask: (identity: Identity, topic: string) => Yes | boolean) {
    this.#ask = ask
  }

  /** Forgets what was allowed to another identity. */
  use(identity: Identity): void {
    this.#identity = identity
    this.#answers.clear()
    this.#lastTopic = undefined
  }

  allows(topic: string): Yes | boolean {
    if (topic === this.#lastTopic) return this.#lastAnswer
    let answer = this.#answers.get(topic)
    if (answer === undefined) {
      answer = this.#identity === undefined ? false : this.#ask(this.#identity, topic)
      if (topic.length > MAXIMUM_REMEMBERED_TOPIC) return answer
      if (this.#answers.size >= MAXIMUM_REMEMBERED) this.#answers.clear()
      this.#answers.set(topic, answer)
    }
    this.#lastTopic = topic
    this.#lastAnswer = answer
    return answer
  }
}

export function mayPublish(identity: Identity, topic: string, topicLevels: number): boolean {
  // Topics under `$SYS` are published by the broker alone.
  if (topic.startsWith('$SYS/') || countLevels(topic) > topicLevels) return false
  return identity.mayPublish(topic)
}

/**
 * Whether answers may be asked for at a Response Topic. Whoever answers does so with its own permissions, so without
 * this one could have a message put where one may not publish, such as into the inbox of another client.
 */
export function mayBeAnswered(identity: Identity, responseTopic: string): boolean {
  return identity.mayReceive(responseTopic) && identity.maySubscribe(responseTopic)
}

export function mayPublishWill(identity: Identity, will: Will, topicLevels: number): boolean {
  const responseTopic = will.properties?.responseTopic
  if (!mayPublish(identity, will.topic, topicLevels)) return false
  return responseTopic === undefined || mayBeAnswered(identity, responseTopic)
}
