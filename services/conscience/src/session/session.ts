import type { Decision } from '@jamey/contracts'
import { askedIn } from './asked.js'
import { EntryList } from './entry-list.js'
import { EntryTexts } from './entry-texts.js'
import { bounded, foldersLeft } from './folders.js'
import { textOf } from './result-text.js'
import {
  type CallEntry,
  type Entry,
  type ResultEntry,
  type SessionHead,
  type Source,
  sessionSchema,
  type WholeSession,
} from './session-entry.js'
import { variablesLeft } from './variables.js'

/** Where a value came from. `unknown`: nothing in the session has it, so that the agent made it up or put it together. */
export type Origin = 'request' | 'trusted' | 'untrusted' | 'unknown'

/** A call that is about to be made, and what was found in it and decided about it. */
export interface JudgedCall {
  readonly id?: string | undefined
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly decision: Decision
  readonly effects: readonly string[]
  readonly source: Source
  readonly amount: number
  readonly recipients: readonly string[]
  /** Where its shell may be afterwards; undefined where it goes on from where it was. */
  readonly folders?: readonly (string | null)[] | undefined
}

/** The result of a call. */
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

/** Limits of what is kept of one entry. What is beyond them makes verdicts stricter, never milder. */
const MAXIMUM = { requestCharacters: 100_000, resultCharacters: 200_000, argumentCharacters: 50_000 }

/** Changes that are to be written down since it was last asked. */
export interface SessionChanges {
  readonly head: SessionHead
  /** By number; undefined where one is forgotten. */
  readonly entries: ReadonlyMap<number, Entry | undefined>
}

/**
 * The requests of a user, the calls that an agent made for them and what these answered, in order. It knows nothing of
 * rules, reads no clock and keeps no more than so much.
 */
export class Session {
  readonly #texts = new EntryTexts()
  readonly #entries = new EntryList((entry) => this.#texts.forget(entry))
  #turn = 0
  #isTainted = false
  #isFull = false

  /** Throws where the record is no session. */
  static from(record: unknown): Session {
    const { entries, head } = sessionSchema.parse(record)
    const session = new Session()
    for (const [number, entry] of entries.sort(([a], [b]) => a - b)) {
      session.#entries.skipTo(number)
      session.#entries.put(entry)
    }
    session.#turn = head.turn
    session.#isTainted = head.isTainted
    session.#isFull = head.isFull
    session.#entries.skipTo(head.next)
    session.#entries.takeChanges()
    return session
  }

  /** One of which nothing is known any more, so that nothing is vouched for and nothing that counts is allowed. */
  static lost(): Session {
    const session = new Session()
    session.#isTainted = true
    session.#isFull = true
    return session
  }

  toJSON(): WholeSession {
    return { version: 1, head: this.#head, entries: this.#entries.numbered }
  }

  /** Changes since the last time. */
  takeChanges(): SessionChanges {
    return { head: this.#head, entries: this.#entries.takeChanges() }
  }

  /** The numbers of all entries. */
  get numbers(): number[] {
    return this.#entries.numbered.map(([number]) => number)
  }

  /** Gives up what it made ready to compare with; that is made again when it is needed. */
  rest(): void {
    this.#texts.rest()
  }

  /** How much it keeps. */
  get characters(): number {
    return this.#entries.characters
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
    const last = this.#entries.all.findLast(({ kind }) => kind === 'request')
    return last?.kind === 'request' ? last.asked : []
  }

  /** The user's own words. The same ones at once again are no other request. Returns what is remembered of them. */
  request(text: string, at: number): Entry | undefined {
    const kept = text.slice(0, MAXIMUM.requestCharacters)
    const last = this.#entries.all.at(-1)
    if (last?.kind === 'request' && last.text === kept) return undefined
    return this.add({ kind: 'request', text: kept, asked: askedIn(kept), at })
  }

  /** A call that was judged, whether it is made or not. Returns what is remembered of it. */
  called({ id, tool, arguments: args, ...call }: JudgedCall, at: number): Entry {
    const { text, isWhole } = textOf(args)
    const { effects, recipients, decision, source, amount, folders } = call
    return this.add({
      kind: 'call',
      ...named(id),
      tool: tool.slice(0, 200),
      effects: [...effects],
      decision,
      source,
      amount,
      recipients: recipients.slice(0, 20).map((recipient) => recipient.slice(0, 200)),
      ...(folders === undefined ? {} : { folders: bounded(folders) }),
      ...(isWhole && text.length <= MAXIMUM.argumentCharacters ? { text } : {}),
      turn: this.#turn,
      at,
    })
  }

  /**
   * The answer of a call. One that belongs to no call that was judged is taken for somebody else's words. Returns what is
   * remembered of it.
   */
  result({ callId, tool, result, outcome }: CallResult, at: number): Entry {
    const text = textOf(result).text.slice(0, MAXIMUM.resultCharacters)
    const name = tool.slice(0, 200)
    const source = this.#entries.callOf(name, callId?.slice(0, 200))?.source ?? 'untrusted'
    const told = outcome === undefined ? {} : { outcome }
    return this.add({ kind: 'result', tool: name, ...named(callId), ...told, source, text, at })
  }

  /** How many entries there ever were. */
  get total(): number {
    return this.#entries.nextNumber
  }

  /** Takes what another conscience remembers of the same session, and how many entries there ever were for that one. */
  heard(entry: Entry, total: number): void {
    this.add(entry)
    if (this.#entries.nextNumber >= total) return
    // Something was said that did not come here.
    this.#isTainted = true
    this.#isFull = true
    this.#entries.skipTo(total)
  }

  /** Remembers one more. */
  add(entry: Entry): Entry {
    this.#entries.put(entry)
    if (entry.kind === 'request') this.#turn++
    // Not everybody tells what came of a call.
    else if (entry.source === 'untrusted' && !(entry.kind === 'call' && entry.decision === 'deny'))
      this.#isTainted = true
    if (this.#entries.bound()) this.#isFull = true
    return entry
  }

  /** True where it stands in the user's own words. */
  inRequest(value: string | number): boolean {
    return this.#entries.all.some((entry) => entry.kind === 'request' && this.#texts.standsIn(entry, value))
  }

  /** The result in which it first stood, in whatever form. */
  cameFrom(value: string): { readonly tool: string; readonly source: Source } | undefined {
    return this.#entries.all.find(
      (entry): entry is ResultEntry => entry.kind === 'result' && this.#texts.isLikelyIn(entry, value),
    )
  }

  originOf(value: string | number): Origin {
    if (this.inRequest(value)) return 'request'
    if (this.isFoundOut(value)) return 'trusted'
    return this.cameFrom(String(value))?.source === 'untrusted' ? 'untrusted' : 'unknown'
  }

  /**
   * True where a trusted result vouches for it. None does for what the agent itself had in a call before: what a tool
   * gives back, or has stored, was not found out by it.
   */
  isFoundOut(value: string | number): boolean {
    if (this.#isFull) return false
    const at = this.#entries.all.findIndex((entry) => {
      return entry.kind === 'result' && entry.source === 'trusted' && this.#texts.standsIn(entry, value)
    })
    const before = this.#entries.all.slice(0, Math.max(0, at))
    return at >= 0 && !before.some((entry) => entry.kind === 'call' && this.#isOwn(entry, String(value)))
  }

  /** Calls that were allowed, whatever is told of them, and those that were made though they were not; the first first. */
  callsWithin(seconds: number, now: number): SessionCall[] {
    return this.#entries.all.flatMap((entry) => {
      if (entry.kind !== 'call' || now - entry.at > seconds * 1000) return []
      const outcome = this.#entries.outcomes.get(entry)
      // Who may make a call also says what became of it: that it was skipped takes nothing back.
      const isMade = outcome !== undefined && outcome !== 'skipped'
      if (entry.decision !== 'allow' && !isMade) return []
      const { tool, effects, amount, recipients, turn, at } = entry
      return [{ tool, effects, amount, recipients, turn, age: Math.max(0, now - at) / 1000 }]
    })
  }

  /** Where earlier calls of this tool may have left its shell, beside the workspace; null where nobody knows. */
  foldersOf(tool: string): readonly (string | null)[] {
    return foldersLeft(this.#entries.all, this.#entries.outcomes, tool.slice(0, 200), this.#isFull)
  }

  /** Variables that earlier calls of this tool may have left in its shell, with any text in them. */
  variablesOf(tool: string): readonly string[] {
    return variablesLeft(this.#entries.all, this.#entries.outcomes, tool.slice(0, 200))
  }

  #isOwn(call: CallEntry, value: string): boolean {
    return call.text === undefined || this.#texts.isLikelyIn(call, value)
  }

  get #head(): SessionHead {
    return {
      turn: this.#turn,
      isTainted: this.#isTainted,
      isFull: this.#isFull,
      next: this.#entries.nextNumber,
    }
  }
}

function named(id: string | undefined): { id?: string } {
  return id === undefined ? {} : { id: id.slice(0, 200) }
}
