import type { Progress } from './progress.js'

/** For as long as this a sender's evaluations may keep the others' waiting, but for the rule that is at work. */
const SLICE_MS = 1
/** No rule takes longer: what does was kept waiting by the machine, and owes nobody anything. */
const MOST_OWED_MS = 4

interface Task {
  readonly id: number
  readonly steps: Iterator<undefined, void>
}

interface SenderQueue {
  readonly tasks: Task[]
  /** How much longer than a slice its turns took, which later ones make up for. */
  owedMs: number
}

/**
 * Where evaluations are carried out. Senders take turns, so a short one waits for at most one slice of each other
 * sender's; one sender's own are done one after the other.
 */
export class EvaluationScheduler {
  readonly #progress: Progress
  readonly #now: () => number
  /** By sender; the first one's turn is next. */
  readonly #queues = new Map<string, SenderQueue>()

  /** `now`: milliseconds on a clock that never goes back. */
  constructor(progress: Progress, now = () => performance.now()) {
    this.#progress = progress
    this.#now = now
  }

  /** The steps are to tell their result themselves, and not to throw. */
  add(sender: string, id: number, steps: Iterator<undefined, void>): void {
    const queue = this.#queues.get(sender)
    if (queue !== undefined) return void queue.tasks.push({ id, steps })
    this.#queues.set(sender, { tasks: [{ id, steps }], owedMs: 0 })
    if (this.#queues.size === 1) setImmediate(this.#runSlice)
  }

  /** One slice in a turn of the event loop, so that what is asked meanwhile has its turn after it. */
  readonly #runSlice = (): void => {
    const [next] = this.#queues
    if (next === undefined) return
    const [sender, queue] = next
    this.#queues.delete(sender)
    this.#work(queue)
    if (queue.tasks.length > 0) this.#queues.set(sender, queue)
    if (this.#queues.size > 0) setImmediate(this.#runSlice)
  }

  #work(queue: SenderQueue): void {
    const isAlone = this.#queues.size === 0
    if (!isAlone && queue.owedMs >= SLICE_MS) {
      queue.owedMs -= SLICE_MS
      return
    }
    const startMs = this.#now()
    const endMs = startMs + SLICE_MS - (isAlone ? 0 : queue.owedMs)
    this.#workUntil(endMs, queue.tasks)
    queue.owedMs = Math.min(Math.max(0, this.#now() - endMs), MOST_OWED_MS)
  }

  #workUntil(endMs: number, tasks: Task[]): void {
    for (let [task] = tasks; task !== undefined; [task] = tasks) {
      this.#progress.begin(task.id)
      let isDone: boolean
      do isDone = task.steps.next().done === true
      while (!isDone && this.#now() < endMs)
      this.#progress.end()
      if (isDone) tasks.shift()
      if (this.#now() >= endMs) return
    }
  }
}
