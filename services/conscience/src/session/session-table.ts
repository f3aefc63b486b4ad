import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Session } from './session.js'
import { type Entry, entrySchema, headSchema, type SessionHead } from './session-entry.js'

/** The owner of a session, and the name that it has for it. */
export interface SessionKey {
  /** The client identifier of who asks and reports, or for whom is asked. */
  readonly principal: string
  readonly id: string
}

/** An entry as it is written down; undefined where it is forgotten. */
export interface SessionRecord {
  readonly key: string
  readonly value: string | undefined
}

/** A record as it is read again; undefined where it is damaged. */
export type StoredRecord = SessionRecord

/** One principal's are a fraction of all, so that one who reports much forgets its own. */
const DEFAULT_LIMITS = {
  sessions: 5_000,
  sessionsOfOne: 500,
  characters: 24_000_000,
  charactersOfOne: 6_000_000,
  /** Since it was last used. */
  ageMs: 86_400_000,
  /** Those used last have what they compare with made ready. */
  ready: 16,
  /** Sessions that are known to have been forgotten. */
  lost: 20_000,
}
export type SessionLimits = typeof DEFAULT_LIMITS

const keyedHeadSchema = headSchema.extend({
  principal: z.string(),
  id: z.string(),
  usedAt: z.number(),
  isLost: z.boolean().optional(),
})

interface Kept {
  readonly name: string
  readonly key: SessionKey
  readonly session: Session
  characters: number
  usedAt: number
}

/** All sessions, each of one principal alone. It writes nothing itself: it tells what has to be written. */
export class SessionTable {
  readonly #limits: SessionLimits
  /** By name; the one that was not used for longest is first. */
  readonly #kept = new Map<string, Kept>()
  /** Names of those that were forgotten before their time, the oldest first, and since when. */
  readonly #lost = new Map<string, number>()
  readonly #ofPrincipal = new Map<string, { sessions: number; characters: number }>()
  #characters = 0

  constructor(limits: Partial<SessionLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
  }

  get size(): number {
    return this.#kept.size
  }

  /** The session of that name; a new one where there is none. */
  session(key: SessionKey, now: number): Session {
    const name = nameOf(key)
    const known = this.#kept.get(name)
    if (known !== undefined) {
      this.#kept.delete(name)
      this.#kept.set(name, known)
      known.usedAt = now
      return known.session
    }
    const session = this.#lost.has(name) ? Session.lost() : new Session()
    this.#keep({ name, key, session, characters: 0, usedAt: now })
    return session
  }

  /** Records to be written down for a session to be as it is now, and for others that had to go for it. */
  changes(key: SessionKey, now: number): SessionRecord[] {
    const kept = this.#kept.get(nameOf(key))
    if (kept === undefined) return []
    const { name, session } = kept
    const { head, entries } = session.takeChanges()
    this.#count(kept, session.characters - kept.characters)
    kept.characters = session.characters
    const records: SessionRecord[] = [headRecord(kept, head)]
    for (const [number, entry] of entries) records.push(entryRecord(name, number, entry))
    records.push(...this.#forgetOld(now), ...this.#makeRoom(kept))
    this.#restOthers()
    return records
  }

  /** Takes what was written down before; all records of a session have to be in one call. Returns how many are damaged. */
  load(records: readonly StoredRecord[]): number {
    const groups = new Map<string, StoredRecord[]>()
    for (const record of records) {
      const name = record.key.split('/', 1)[0] ?? ''
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [record])
      else group.push(record)
    }
    const read = [...groups].map(([name, group]) => readSession(name, group))
    read.sort((a, b) => a.usedAt - b.usedAt)
    let damaged = 0
    for (const { name, usedAt, kept, isDamaged } of read) {
      if (kept === undefined) this.#lose(name, usedAt)
      else this.#keep(kept)
      if (isDamaged) damaged++
    }
    return damaged
  }

  #keep(kept: Kept): void {
    this.#kept.set(kept.name, kept)
    const of = this.#ofPrincipal.get(kept.key.principal) ?? { sessions: 0, characters: 0 }
    of.sessions++
    this.#ofPrincipal.set(kept.key.principal, of)
    this.#count(kept, kept.characters)
  }

  #count({ key }: Kept, characters: number): void {
    this.#characters += characters
    const of = this.#ofPrincipal.get(key.principal)
    if (of !== undefined) of.characters += characters
  }

  #forgetOld(now: number): SessionRecord[] {
    const records: SessionRecord[] = []
    for (const kept of this.#kept.values()) {
      if (now - kept.usedAt <= this.#limits.ageMs) break
      records.push(...this.#forget(kept), { key: `${kept.name}/head`, value: undefined })
    }
    for (const [name, since] of this.#lost) {
      if (now - since <= this.#limits.ageMs && this.#lost.size <= this.#limits.lost) break
      this.#lost.delete(name)
      if (!this.#kept.has(name)) records.push({ key: `${name}/head`, value: undefined })
    }
    return records
  }

  /** A principal that has too much loses the oldest of its own; where all have too much, the one that has most. */
  #makeRoom(current: Kept): SessionRecord[] {
    const records: SessionRecord[] = []
    const { sessions, characters, sessionsOfOne, charactersOfOne } = this.#limits
    const isOver = (principal: string): boolean => {
      const of = this.#ofPrincipal.get(principal)
      return of !== undefined && (of.sessions > sessionsOfOne || of.characters > charactersOfOne)
    }
    while (isOver(current.key.principal)) {
      const found = this.#oldestOf(current.key.principal, current)
      if (found === undefined) break
      records.push(...this.#dropLost(found))
    }
    while (this.#kept.size > sessions || this.#characters > characters) {
      const found = this.#oldestOf(this.#greediest(), current)
      if (found === undefined) break
      records.push(...this.#dropLost(found))
    }
    return records
  }

  #oldestOf(principal: string, current: Kept): Kept | undefined {
    for (const kept of this.#kept.values()) {
      if (kept.key.principal === principal && kept !== current) return kept
    }
    return undefined
  }

  #greediest(): string {
    const { sessions: all, characters: most } = this.#limits
    let found = ''
    let share = -1
    for (const [principal, { sessions, characters }] of this.#ofPrincipal) {
      const its = Math.max(sessions / all, characters / most)
      if (its > share) [found, share] = [principal, its]
    }
    return found
  }

  /** Its time is not over, so whoever comes back to it must not find a clean one. */
  #dropLost(kept: Kept): SessionRecord[] {
    const records = this.#forget(kept)
    this.#lose(kept.name, kept.usedAt)
    const head = { turn: 0, isTainted: true, isFull: true, next: 0, isLost: true }
    return [...records, headRecord(kept, head)]
  }

  #lose(name: string, since: number): void {
    this.#lost.delete(name)
    this.#lost.set(name, since)
  }

  #forget(kept: Kept): SessionRecord[] {
    this.#kept.delete(kept.name)
    this.#count(kept, -kept.characters)
    const of = this.#ofPrincipal.get(kept.key.principal)
    if (of !== undefined && --of.sessions === 0) this.#ofPrincipal.delete(kept.key.principal)
    return kept.session.numbers.map((number) => entryRecord(kept.name, number, undefined))
  }

  #restOthers(): void {
    if (this.#kept.size <= this.#limits.ready) return
    const others = [...this.#kept.values()].at(-1 - this.#limits.ready)
    others?.session.rest()
  }
}

/** The same for everybody who keeps sessions, and of one length. */
export function nameOf({ principal, id }: SessionKey): string {
  return createHash('sha256')
    .update(JSON.stringify([principal, id]))
    .digest('hex')
    .slice(0, 40)
}

const NUMBER_DIGITS = 12

function entryRecord(name: string, number: number, entry: Entry | undefined): SessionRecord {
  const key = `${name}/${String(number).padStart(NUMBER_DIGITS, '0')}`
  return { key, value: entry === undefined ? undefined : JSON.stringify(entry) }
}

function headRecord({ name, key, usedAt }: Kept, head: SessionHead & { isLost?: boolean }): SessionRecord {
  return { key: `${name}/head`, value: JSON.stringify({ ...key, usedAt, ...head }) }
}

interface ReadSession {
  readonly name: string
  readonly usedAt: number
  /** Undefined where nothing of it can be used. */
  readonly kept: Kept | undefined
  readonly isDamaged: boolean
}

/** A damaged record costs the session that it belongs to: what is left of it must not be taken for all of it. */
function readSession(name: string, records: readonly StoredRecord[]): ReadSession {
  const found = records.find(({ key }) => key === `${name}/head`)
  const head = parsed(keyedHeadSchema, found?.value)
  if (head === undefined) return { name, usedAt: 0, kept: undefined, isDamaged: true }
  const { principal, id, usedAt, isLost, ...rest } = head
  if (isLost === true) return { name, usedAt, kept: undefined, isDamaged: false }
  const others = records.filter(({ key }) => key !== `${name}/head`)
  const entries = others.map(({ key, value }) => [
    Number(key.slice(name.length + 1)),
    parsed(entrySchema, value),
  ])
  if (entries.some(([number, entry]) => !Number.isInteger(number) || entry === undefined)) {
    return { name, usedAt, kept: undefined, isDamaged: true }
  }
  const session = Session.from({ version: 1, head: rest, entries })
  const kept = { name, key: { principal, id }, session, characters: session.characters, usedAt }
  return { name, usedAt, kept, isDamaged: false }
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  text: string | undefined,
): z.output<Schema> | undefined {
  try {
    return text === undefined ? undefined : schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
