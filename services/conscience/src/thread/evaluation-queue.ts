/** An evaluation, as far as the queue knows it. */
export interface Queued {
  readonly sender: string
  /** The cost of evaluating it, as far as that can be told before. */
  readonly characters: number
}

export interface QueueLimits {
  /** Of one sender, what waits. */
  readonly waitingCharacters: number
  /** Of one sender, with the thread; one is, however long it is. */
  readonly running: number
  readonly runningCharacters: number
  /** Of all senders. From the first on, only those who have none with the thread get one there. */
  readonly crowded: number
  readonly full: number
}

interface Line<Item> {
  readonly waiting: Item[]
  waitingCharacters: number
  running: number
  runningCharacters: number
}

/**
 * Evaluations that wait for the thread and how much of each sender is with it: some, so that it never has to wait for
 * the next, and few, so that another's is not behind many. Senders take turns; one's own come in order.
 */
export class EvaluationQueue<Item extends Queued> {
  readonly #limits: QueueLimits
  readonly #lines = new Map<string, Line<Item>>()
  /** Senders that have something waiting and nothing with the thread; the first is next. */
  readonly #idle = new Set<string>()
  /** Senders that have something waiting beside what is with the thread, where there is room for it. */
  readonly #busy = new Set<string>()
  #running = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** True also for an item of any length that has nothing of its sender waiting in front of it. */
  hasRoomFor({ sender, characters }: Queued): boolean {
    const line = this.#lines.get(sender)
    if (line === undefined || line.waiting.length === 0) return true
    return line.waitingCharacters + characters <= this.#limits.waitingCharacters
  }

  /** False where the sender has as much waiting as one may. */
  add(item: Item): boolean {
    if (!this.hasRoomFor(item)) return false
    const { sender, characters } = item
    const line = this.#lineOf(sender)
    line.waiting.push(item)
    line.waitingCharacters += characters
    this.#place(sender, line)
    return true
  }

  /** The item that the thread is to get next: with it until `end` or `putBack`. Undefined where it has enough. */
  take(): Item | undefined {
    const { crowded, full } = this.#limits
    let sender: string | undefined
    if (this.#running < full) [sender] = this.#idle
    if (this.#running < crowded && sender === undefined) [sender] = this.#busy
    const line = sender === undefined ? undefined : this.#lines.get(sender)
    const item = line?.waiting.shift()
    if (line === undefined || item === undefined) return undefined
    line.waitingCharacters -= item.characters
    this.#count(line, item, 1)
    // Their next turn comes after everybody else's.
    this.#busy.delete(item.sender)
    this.#place(item.sender, line)
    return item
  }

  /** The thread has it no longer. */
  end(item: Item): void {
    const line = this.#lineOf(item.sender)
    this.#count(line, item, -1)
    this.#place(item.sender, line)
  }

  /** The thread has it no longer, and is to get it again, before what waits of the same sender: the last one first. */
  putBack(item: Item): void {
    const line = this.#lineOf(item.sender)
    line.waiting.unshift(item)
    line.waitingCharacters += item.characters
    this.end(item)
  }

  /** All that waits, which it forgets. */
  clear(): Item[] {
    const all = [...this.#lines.values()].flatMap(({ waiting }) => waiting)
    this.#lines.clear()
    this.#idle.clear()
    this.#busy.clear()
    return all
  }

  #lineOf(sender: string): Line<Item> {
    const line = this.#lines.get(sender) ?? {
      waiting: [],
      waitingCharacters: 0,
      running: 0,
      runningCharacters: 0,
    }
    this.#lines.set(sender, line)
    return line
  }

  #count(line: Line<Item>, { characters }: Item, by: 1 | -1): void {
    line.running += by
    line.runningCharacters += by * characters
    this.#running += by
  }

  #place(sender: string, line: Line<Item>): void {
    const [next] = line.waiting
    const { running, runningCharacters } = this.#limits
    const isIdle = line.running === 0
    if (next !== undefined && isIdle) this.#idle.add(sender)
    else this.#idle.delete(sender)
    const hasRoom =
      line.running < running && line.runningCharacters + (next?.characters ?? 0) <= runningCharacters
    if (next !== undefined && !isIdle && hasRoom) this.#busy.add(sender)
    else this.#busy.delete(sender)
    if (next === undefined && isIdle) this.#lines.delete(sender)
  }
}
