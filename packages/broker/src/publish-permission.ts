import type { Identity } from './authenticator.js'

/** Answers remembered for one connection. */
const MOST_REMEMBERED = 256

/** Whether one connection may publish to a topic, asked once per topic. */
export class PublishPermission {
  readonly #topicLevels: number
  readonly #answers = new Map<string, boolean>()
  #identity: Identity | undefined
  #lastTopic: string | undefined
  #lastAnswer = false

  constructor(topicLevels: number) {
    this.#topicLevels = topicLevels
  }

  /** Forgets what was allowed to another identity. */
  use(identity: Identity): void {
    this.#identity = identity
    this.#answers.clear()
    this.#lastTopic = undefined
  }

  allows(topic: string): boolean {
    if (topic === this.#lastTopic) return this.#lastAnswer
    let answer = this.#answers.get(topic)
    if (answer === undefined) {
      answer = this.#ask(topic)
      if (this.#answers.size >= MOST_REMEMBERED) this.#answers.clear()
      this.#answers.set(topic, answer)
    }
    this.#lastTopic = topic
    this.#lastAnswer = answer
    return answer
  }

  #ask(topic: string): boolean {
    // What is under `$SYS` the broker alone says.
    if (topic.startsWith('$SYS/') || countLevels(topic) > this.#topicLevels) return false
    return this.#identity?.mayPublish(topic) ?? false
  }
}

export function countLevels(topic: string): number {
  let levels = 1
  for (let i = 0; i < topic.length; i++) if (topic.charCodeAt(i) === 0x2f) levels++
  return levels
}
