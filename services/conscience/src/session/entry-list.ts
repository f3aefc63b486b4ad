import type { CallEntry, Entry, ResultEntry } from './session-entry.js'

/** Limits of what one session keeps. What is beyond them makes verdicts stricter, never milder. */
const MAXIMUM = { allCharacters: 1_000_000, requests: 200, calls: 2_000, results: 1_000 }
/** Characters that an entry counts beside its text. */
const ENTRY_CHARACTERS = 200

/** Entries of one session in their order, each under a number that no other ever has, and no more than so many. */
export class EntryList {
  readonly #onShortened: (entry: Entry) => void
  readonly #entries: Entry[] = []
  readonly #numbers = new WeakMap<Entry, number>()
  readonly #outcomes = new WeakMap<CallEntry, ResultEntry['outcome']>()
  #changes = new Map<number, Entry | undefined>()
  #nextNumber = 0
  #characters = 0

  /** Told of an entry that has lost its text. */
  constructor(onShortened: (entry: Entry) => void) {
    this.#onShortened = onShortened
  }

  /** The first one first. */
  get all(): readonly Entry[] {
    return this.#entries
  }

  get numbered(): [number, Entry][] {
    return this.#entries.map((entry) => [this.#numberOf(entry), entry])
  }

  /** How much they count together. */
  get characters(): number {
    return this.#characters
  }

  /** The number of the next one: how many there ever were. */
  get nextNumber(): number {
    return this.#nextNumber
  }

  /** Of those that others have and this one has not. */
  skipTo(number: number): void {
    this.#nextNumber = number
  }

  /** By number, since it was last asked; undefined where one is forgotten. */
  takeChanges(): ReadonlyMap<number, Entry | undefined> {
    const changes = this.#changes
    this.#changes = new Map()
    return changes
  }

  /** The outcomes of calls, where they were told. */
  get outcomes(): WeakMap<CallEntry, ResultEntry['outcome']> {
    return this.#outcomes
  }

  /** The last call of that tool with that identifier, or without an outcome where there is none. */
  callOf(tool: string, id: string | undefined): CallEntry | undefined {
    const found = this.#entries.findLast(
      (entry) =>
        entry.kind === 'call' &&
        entry.tool === tool &&
        (id === undefined ? this.#outcomes.get(entry) === undefined : entry.id === id),
    )
    return found?.kind === 'call' ? found : undefined
  }

  put(entry: Entry): void {
    if (entry.kind === 'result' && entry.outcome !== undefined) {
      const call = this.callOf(entry.tool, entry.id)
      if (call !== undefined) this.#outcomes.set(call, entry.outcome)
    }
    this.#numbers.set(entry, this.#nextNumber)
    this.#changes.set(this.#nextNumber++, entry)
    this.#entries.push(entry)
    this.#characters += lengthOf(entry)
  }

  /** Forgets what is beyond the limits. True where a call was forgotten. */
  bound(): boolean {
    this.#boundKind('request', MAXIMUM.requests)
    this.#boundKind('result', MAXIMUM.results)
    const hasLostCall = this.#boundKind('call', MAXIMUM.calls)
    while (this.#characters > MAXIMUM.allCharacters && this.#forgetText());
    return hasLostCall
  }

  #numberOf(entry: Entry): number {
    return this.#numbers.get(entry) ?? 0
  }

  /** True where one had to be forgotten. */
  #boundKind(kind: Entry['kind'], most: number): boolean {
    const isOver = this.#entries.filter((entry) => entry.kind === kind).length > most
    if (isOver) this.#drop(kind)
    return isOver
  }

  /** The first one of its kind. */
  #drop(kind: Entry['kind']): void {
    const at = this.#entries.findIndex((entry) => entry.kind === kind)
    const [dropped] = at < 0 ? [] : this.#entries.splice(at, 1)
    if (dropped === undefined) return
    this.#characters -= lengthOf(dropped)
    this.#changes.set(this.#numberOf(dropped), undefined)
  }

  /** Results first: without one less is vouched for. Without arguments nothing is any more. */
  #forgetText(): boolean {
    if (this.#entries.some(({ kind }) => kind === 'result')) {
      this.#drop('result')
      return true
    }
    const call = this.#entries.find((entry) => entry.kind === 'call' && entry.text !== undefined)
    if (call?.kind === 'call') {
      this.#characters -= lengthOf(call)
      delete call.text
      this.#characters += lengthOf(call)
      this.#changes.set(this.#numberOf(call), call)
      this.#onShortened(call)
      return true
    }
    this.#drop('request')
    return this.#entries.some(({ kind }) => kind === 'request')
  }
}

function lengthOf(entry: Entry): number {
  return (entry.text?.length ?? 0) + ENTRY_CHARACTERS
}
