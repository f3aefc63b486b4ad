import { askedIn } from './asked.js'
import { Likeness } from './likeness.js'
import { textOf } from './result-text.js'
import {
  type CallEntry,
  type Entry,
  type ResultEntry,
  type SessionRecord,
  type Source,
  sessionSchema,
} from './session-entry.js'
import { numbersIn, type StandingText, standingText, standsIn } from './standing.js'

/** Where a value came from. `unknown`: nothing in the session has it, so that the agent made it up or put it together. */
export type Origin = 'request' | 'trusted' | 'untrusted' | 'unknown'

/** A call that is about to be made, and what was found in it and decided about it. */
export interface JudgedCall {
  readonly id?: string | undefined
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly decision: 'allow' | 'ask' | 'deny'
  readonly effects: readonly string[]
  readonly source: Source
  readonly amount: number
  readonly recipients: readonly string[]
}

/** What came of a call. */
export interface CallResult {
  /** Of the call that was judged; without it, the last one of that tool without a result. */
  readonly callId?: string | undefined
  readonly tool: string
  readonly result: unknown
  readonly outcome?: 'succeeded' | 'failed' | 'skipped' | undefined
}

/** A call as conditions see it. */
export interface SessionCall {
  readonly tool: string
  readonly effects: readonly string[]
  readonly amount: number
  readonly recipients: readonly string[]
  /** After how many requests of the user. */
  readonly turn: number
  /** Seconds ago. */
  readonly age: number
}

/** Limits of what one session keeps. What is beyond them makes verdicts stricter, never milder. */
const MAXIMUM = {
  requestCharacters: 100_000,
  resultCharacters: 200_000,
  argumentCharacters: 50_000,
  allCharacters: 1_000_000,
  requests: 200,
  calls: 2_000,
  results: 1_000,
}

/** Texts that were made ready to be compared with. */
interface Prepared {
  standing?: StandingText
  likeness?: Likeness
}

/**
 * What a user asked for, which calls an agent made for it and what these answered, in order. It knows nothing of rules,
 * reads no clock and keeps no more than so much.
 */
export class Session {
  #entries: Entry[] = []
  #prepared = new WeakMap<Entry, Prepared>()
  #turn = 0
  #isTainted = false
  #isFull = false
  #characters = 0

  /** Throws where the record is no session. */
  static from(record: unknown): Session {
    const { entries, turn, isTainted, isFull } = sessionSchema.parse(record)
    const session = new Session()
    session.#entries = entries
    session.#turn = turn
    session.#isTainted = isTainted
    session.#isFull = isFull
    session.#characters = entries.reduce((sum, entry) => sum + lengthOf(entry), 0)
    return session
  }

  toJSON(): SessionRecord {
    return {
      version: 1,
      entries: this.#entries,
      turn: this.#turn,
      isTainted: this.#isTainted,
      isFull: this.#isFull,
    }
  }

  /** How much it keeps. */
  get characters(): number {
    return this.#characters
  }

  /** Something came in that others wrote, or may have come in. */
  get isTainted(): boolean {
    return this.#isTainted
  }

  /** Calls had to be forgotten: counts are too low, and nothing vouches for anything any more. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** How many requests there were. */
  get turn(): number {
    return this.#turn
  }

  /** Effects that the user's last words ask for. */
  get asked(): readonly string[] {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i]
      if (entry?.kind === 'request') return entry.asked
    }
    return []
  }

  /** The user's own words. */
  request(text: string, at: number): void {
    this.#turn++
    const kept = text.slice(0, MAXIMUM.requestCharacters)
    this.#add({ kind: 'request', text: kept, asked: askedIn(kept), at })
  }

  /** A call that was judged, whether it is made or not. */
  called({ id, tool, arguments: args, ...call }: JudgedCall, at: number): void {
    const { text, isWhole } = textOf(args)
    const { effects, recipients, decision, source, amount } = call
    this.#add({
      kind: 'call',
      ...(id === undefined ? {} : { id: id.slice(0, 200) }),
      tool: tool.slice(0, 200),
      effects: [...effects],
      decision,
      source,
      amount,
      recipients: recipients.slice(0, 20).map((recipient) => recipient.slice(0, 200)),
      ...(isWhole && text.length <= MAXIMUM.argumentCharacters ? { text } : {}),
      turn: this.#turn,
      at,
    })
    // Not everybody tells what came of a call.
    if (source === 'untrusted' && decision !== 'deny') this.#isTainted = true
  }

  /** What a call answered. What belongs to no call that was judged is taken for somebody else's words. */
  result({ callId, tool, result, outcome }: CallResult, at: number): void {
    const call = this.#callOf(tool, callId)
    if (call !== undefined && outcome !== undefined) call.outcome = outcome
    const source = call?.source ?? 'untrusted'
    if (source === 'untrusted') this.#isTainted = true
    const text = textOf(result).text.slice(0, MAXIMUM.resultCharacters)
    if (text !== '') this.#add({ kind: 'result', tool: tool.slice(0, 200), source, text, at })
  }

  /** Whether it stands in the user's own words. */
  inRequest(value: string | number): boolean {
    return this.#entries.some((entry) => entry.kind === 'request' && this.#standsIn(entry, value))
  }

  /** The result in which it first stood, in whatever form. */
  cameFrom(value: string): { readonly tool: string; readonly source: Source } | undefined {
    return this.#entries.find(
      (entry): entry is ResultEntry => entry.kind === 'result' && this.#isLikelyIn(entry, value),
    )
  }

  originOf(value: string | number): Origin {
    if (this.inRequest(value)) return 'request'
    if (this.isFoundOut(value)) return 'trusted'
    return this.cameFrom(String(value))?.source === 'untrusted' ? 'untrusted' : 'unknown'
  }

  /**
   * Whether a trusted result vouches for it. None does for what the agent itself had in a call before: what a tool gives
   * back, or has stored, was not found out by it.
   */
  isFoundOut(value: string | number): boolean {
    if (this.#isFull) return false
    const at = this.#entries.findIndex((entry) => {
      return entry.kind === 'result' && entry.source === 'trusted' && this.#standsIn(entry, value)
    })
    const before = this.#entries.slice(0, Math.max(0, at))
    return at >= 0 && !before.some((entry) => entry.kind === 'call' && this.#isOwn(entry, String(value)))
  }

  /** Calls that were allowed and, as far as anybody told, made; the first one first. */
  callsWithin(seconds: number, now: number): SessionCall[] {
    return this.#entries.flatMap((entry) => {
      if (entry.kind !== 'call' || entry.decision !== 'allow') return []
      if (entry.outcome === 'skipped' || now - entry.at > seconds * 1000) return []
      const { tool, effects, amount, recipients, turn, at } = entry
      return [{ tool, effects, amount, recipients, turn, age: Math.max(0, now - at) / 1000 }]
    })
  }

  #isOwn(call: CallEntry, value: string): boolean {
    return call.text === undefined || this.#isLikelyIn(call, value)
  }

  #callOf(tool: string, id: string | undefined): CallEntry | undefined {
    const found = this.#entries.findLast(
      (entry) =>
        entry.kind === 'call' &&
        entry.tool === tool.slice(0, 200) &&
        (id === undefined ? entry.outcome === undefined : entry.id === id.slice(0, 200)),
    )
    return found?.kind === 'call' ? found : undefined
  }

  #standsIn(entry: Exclude<Entry, CallEntry>, value: string | number): boolean {
    if (typeof value === 'number') return numbersIn(entry.text).has(value)
    const prepared = this.#preparedOf(entry)
    prepared.standing ??= standingText(entry.text)
    return standsIn(prepared.standing, value)
  }

  #isLikelyIn(entry: Entry, value: string): boolean {
    const prepared = this.#preparedOf(entry)
    const text = entry.text ?? ''
    prepared.standing ??= standingText(text)
    if (standsIn(prepared.standing, value)) return true
    prepared.likeness ??= new Likeness(text)
    return prepared.likeness.has(value)
  }

  #preparedOf(entry: Entry): Prepared {
    const prepared = this.#prepared.get(entry) ?? {}
    this.#prepared.set(entry, prepared)
    return prepared
  }

  #add(entry: Entry): void {
    this.#entries.push(entry)
    this.#characters += lengthOf(entry)
    this.#bound('request', MAXIMUM.requests)
    this.#bound('result', MAXIMUM.results)
    if (this.#bound('call', MAXIMUM.calls)) this.#isFull = true
    while (this.#characters > MAXIMUM.allCharacters && this.#forgetText());
  }

  /** True where one had to be forgotten. */
  #bound(kind: Entry['kind'], most: number): boolean {
    const isOver = this.#entries.filter((entry) => entry.kind === kind).length > most
    if (isOver) this.#drop((entry) => entry.kind === kind)
    return isOver
  }

  #drop(which: (entry: Entry) => boolean): void {
    const [dropped] = this.#entries.splice(this.#entries.findIndex(which), 1)
    if (dropped !== undefined) this.#characters -= lengthOf(dropped)
  }

  /** Results first: without one less is vouched for. Without arguments nothing is any more. */
  #forgetText(): boolean {
    if (this.#entries.some(({ kind }) => kind === 'result')) {
      this.#drop(({ kind }) => kind === 'result')
      return true
    }
    const call = this.#entries.find((entry) => entry.kind === 'call' && entry.text !== undefined)
    if (call?.kind === 'call') {
      this.#characters -= lengthOf(call)
      delete call.text
      this.#prepared.delete(call)
      return true
    }
    this.#drop(({ kind }) => kind === 'request')
    return this.#entries.some(({ kind }) => kind === 'request')
  }
}

function lengthOf(entry: Entry): number {
  return entry.text?.length ?? 0
}
