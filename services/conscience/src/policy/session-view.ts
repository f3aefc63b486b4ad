import type { Origin, Session, SessionCall } from '../session/session.js'

/** A session as conditions see it. */
export interface SessionView {
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

/** What the functions of conditions ask. */
interface Knowledge {
  inRequest(value: string | number): boolean
  isVouched(value: string | number): boolean
  originOf(value: string | number): Origin
  cameFrom(value: string): string
  isForeign(value: string): boolean
  callsWithin(seconds: number): readonly SessionCall[]
}

const knowledge = new WeakMap<SessionView, Knowledge>()

/** For the time of one verdict. */
export function sessionView(session: Session, now: number): SessionView {
  const view: SessionView = {
    known: true,
    // Whose user said nothing is not known to have read nothing.
    tainted: session.isTainted || session.turn === 0,
    full: session.isFull,
    turn: session.turn,
    asked: session.asked,
  }
  const vouched = new Map<string | number, boolean>()
  knowledge.set(view, {
    inRequest: (value) => session.inRequest(value),
    // Several rules ask the same.
    isVouched: (value) => {
      const isVouched = vouched.get(value) ?? (session.inRequest(value) || session.isFoundOut(value))
      vouched.set(value, isVouched)
      return isVouched
    },
    originOf: (value) => session.originOf(value),
    cameFrom: (value) => session.cameFrom(value)?.tool ?? '',
    isForeign: (value) => session.cameFrom(value)?.source === 'untrusted' && !session.inRequest(value),
    callsWithin: (seconds) => session.callsWithin(seconds, now),
  })
  return view
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
  return knowledge.get(view) ?? NOTHING
}
