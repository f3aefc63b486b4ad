/** Topics of which is known what of them was dropped; one more, and that which came first is forgotten. */
const MAXIMUM_TOPICS = 1_000
/** Longer topics are counted under no name. */
const MAXIMUM_TOPIC_LENGTH = 1_000

/** Messages that were to go to a session and did not, by the reason as hooks are told it. */
export type DropCounts = Readonly<Partial<Record<string, number>>>

/** Counts what is dropped, by topic, in bounded memory. Nothing is done for what is not dropped. */
export class DroppedTopics {
  readonly #byTopic = new Map<string, Record<string, number>>()

  note(topic: string, reason: string): void {
    const known = this.#byTopic.get(topic)
    if (known !== undefined) {
      known[reason] = (known[reason] ?? 0) + 1
      return
    }
    if (topic.length > MAXIMUM_TOPIC_LENGTH) return
    if (this.#byTopic.size >= MAXIMUM_TOPICS) {
      const [first] = this.#byTopic.keys()
      if (first !== undefined) this.#byTopic.delete(first)
    }
    this.#byTopic.set(topic, { [reason]: 1 })
  }

  of(topic: string): DropCounts {
    return { ...this.#byTopic.get(topic) }
  }
}
