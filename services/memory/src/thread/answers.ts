import type { MessagePort } from 'node:worker_threads'
import { type Answer, recordOf } from './thread-message.js'

/** What a thread tells: what one turn brings goes together, since waking the other thread takes longer than most of it. */
export class Answers {
  readonly #port: Pick<MessagePort, 'postMessage' | 'close'>
  #untold: Answer[] = []

  constructor(port: Pick<MessagePort, 'postMessage' | 'close'>) {
    this.#port = port
  }

  tell(answer: Answer): void {
    if (this.#untold.length === 0) queueMicrotask(() => this.#tellAll())
    this.#untold.push(answer)
  }

  /** Tells while the thread is busy with the same turn. */
  tellNow(answer: Answer): void {
    this.#untold.push(answer)
    this.#tellAll()
  }

  /** Tells the last answers; nothing is taken or told from then on. */
  end(): void {
    this.#tellAll()
    this.#port.close()
  }

  #tellAll(): void {
    const answers = this.#untold
    this.#untold = []
    if (answers.length > 0) this.#post(answers)
  }

  /** A value that cannot be copied to another thread fails its own call alone. */
  #post(answers: readonly Answer[]): void {
    try {
      this.#port.postMessage(answers)
    } catch (error) {
      const [answer] = answers
      if (answers.length > 1) for (const one of answers) this.#post([one])
      else if (answer !== undefined && 'id' in answer) {
        this.#port.postMessage([{ id: answer.id, error: recordOf(error) }])
      }
    }
  }
}
