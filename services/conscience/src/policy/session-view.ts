import type { Origin, Session, SessionCall } from '../session/session.js'

/** No name that a condition could use. */
const KNOWLEDGE = Symbol('knowledge')

/** A session as conditions see it. */
export interface SessionView {
  readonly [KNOWLEDGE]?: Knowledge
  /** False where the call belongs to none: nothing is then known to come from the user. */
  readonly known: boolean
  /** Something came in that others wrote, or may have. */
  readonly tainted: boolean
  /** More calls than it remembers. */
  readonly full: boolean
  /** How many requests the user made. */
  readonly turn: number
  /** Effects that the user's last words ask for. */
  readonly asked: readonly string[]
}

/** The questions of the functions of conditions. */
interface Knowledge {
  inRequest(value: string | number): boolean
  isVouched(value: string | number): boolean
  originOf(value: string | number): Origin
  cameFrom(value: string): string
  isForeign(value: string): boolean
  callsWithin(seconds: number): readonly SessionCall[]
}

/** For the time of one verdict. */
export function sessionView(session: Session, now: number): SessionView {
  return {
    known: true,
    // A session whose user said nothing is not known to have read nothing.
    tainted: session.isTainted || session.turn === 0,
    full: session.isFull,
    turn: session.turn,
    asked: session.asked,
    [KNOWLEDGE]: new KnownSession(session, now),
  }
}

class KnownSession implements Knowledge {
  readonly #session: Session
  readonly #now: number
  // Several rules ask the same.
  #asked: Map<string | number, boolean> | undefined
  #vouched: Map<string | number, boolean> | undefined

  constructor(session: Session, now: number) {
    this.#session = session
    this.#now = now
  }

  inRequest(value: string | number): boolean {
    this.#asked ??= new Map()
    const isThere = this.#asked.get(value) ?? this.#session.inRequest(value)
    this.#asked.set(value, isThere)
    return isThere
  }

  isVouched(value: string | number): boolean {
    if (this.inRequest(value)) return true
    this.#vouched ??= new Map()
    const isVouched = this.#vouched.get(value) ?? this.#session.isFoundOut(value)
    this.#vouched.set(value, isVouched)
    return isVouched
  }

  originOf(value: string | number): Origin {
    return this.#session.originOf(value)
  }

  cameFrom(value: string): string {
    return this.#session.cameFrom(value)?.tool ?? ''
  }

  isForeign(value: string): boolean {
    return this.#session.cameFrom(value)?.source === 'untrusted' && !this.inRequest(value)
  }

  callsWithin(seconds: number): readonly SessionCall[] {
    return this.#session.callsWithin(seconds, this.#now)
  }
}

export const NO_SESSION: SessionView = { known: false, tainted: true, full: false, turn: 0, asked: [] }
const NOTHING: Knowledge = {
  inRequest: () => false,
  isVouched: () => false,
  originOf: () => 'unknown',
  cameFrom: () => '',
  isForeign: () => false,
  callsWithin: () => [],
}

export function knowledgeOf(view: SessionView): Knowledge {
  return view[KNOWLEDGE] ?? NOTHING
}
