import type { JsonObject } from '../model/call-judge.js'
import { messageOf } from '../model/failure.js'

/** Bytes of the JSON text of what is judged or reported: half of what the gateway takes in one body. */
export const MAXIMUM_JSON_BYTES = 512 * 1024
/** Levels of objects and arrays in each other. */
export const MAXIMUM_JSON_DEPTH = 64

/** Says what is no JSON, and where: `arguments.list.2`. */
export class NotJson extends Error {
  override readonly name = 'NotJson'
}

/**
 * A copy of `value` as JSON text would bring it, so that what is judged is what runs, whatever becomes of the original.
 * Members that are undefined are left out. Throws `NotJson` where a value has no JSON form or would get another one (a
 * date, a function, a class of its own), where it refers to itself, and beyond the bounds.
 */
export function plainObject(value: unknown, name: string): JsonObject {
  const kind = kindOf(value)
  if (kind !== 'object') throw new NotJson(`${name} must be an object; found ${kind}`)
  new Inspection(name).check(value)
  return bounded(JSON.stringify(value)) as JsonObject
}

/** Characters of a result that are reported: more than a session keeps, which therefore knows that it lacks the rest. */
const MAXIMUM_RESULT_CHARACTERS = 250_000
/** Written as six characters each in JSON, so that a cut text might be as large as none may be. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g

/**
 * The part of a result that is reported: its JSON form, big integers as text, and null for nothing; of one that is
 * larger than what is taken, the beginning of its text. Throws `NotJson` for what refers to itself.
 */
export function reportable(value: unknown): unknown {
  let text: string | undefined
  try {
    text = JSON.stringify(value, (_, member: unknown) =>
      typeof member === 'bigint' ? String(member) : member,
    )
  } catch (error) {
    throw new NotJson(`it has no JSON form: ${messageOf(error)}`)
  }
  if (text === undefined) return null
  if (Buffer.byteLength(text) <= MAXIMUM_JSON_BYTES) return JSON.parse(text)
  const whole = typeof value === 'string' ? value : text
  return whole.slice(0, MAXIMUM_RESULT_CHARACTERS).toWellFormed().replaceAll(CONTROL_CHARACTERS, ' ')
}

function bounded(text: string): unknown {
  const bytes = Buffer.byteLength(text)
  if (bytes > MAXIMUM_JSON_BYTES) throw tooLarge(bytes)
  return JSON.parse(text)
}

/** Looks at every value once for each time that it stands in the text, so what is left of the bytes bounds it. */
class Inspection {
  readonly #name: string
  /** The objects that the value which is looked at stands in, and where in each the next one is. */
  readonly #outer: object[] = []
  readonly #path: string[] = []
  #left = MAXIMUM_JSON_BYTES

  constructor(name: string) {
    this.#name = name
  }

  check(value: unknown): void {
    if (this.#left-- <= 0) throw tooLarge()
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw this.#fault(`must be a finite number; found ${value}`)
      return
    }
    const kind = kindOf(value)
    if (kind !== 'object' && kind !== 'array') throw this.#fault(`must be JSON; found ${kind}`)
    const members = value as object
    if (this.#outer.includes(members)) throw this.#fault('refers to what it stands in')
    if (this.#outer.length === MAXIMUM_JSON_DEPTH) {
      throw this.#fault(`stands deeper than ${MAXIMUM_JSON_DEPTH} levels`)
    }
    this.#outer.push(members)
    if (Array.isArray(members)) {
      // A hole is undefined, and refused: JSON has null in its place.
      for (let i = 0; i < members.length; i++) this.#checkMember(String(i), members[i])
    } else {
      for (const [key, member] of Object.entries(members)) {
        if (member !== undefined) this.#checkMember(key, member)
      }
    }
    this.#outer.pop()
  }

  #checkMember(key: string, member: unknown): void {
    this.#path.push(key)
    this.check(member)
    this.#path.pop()
  }

  /** Names of members are as long as their sender likes. */
  #fault(what: string): NotJson {
    const path = [this.#name, ...this.#path].join('.')
    return new NotJson(`${path.length <= 200 ? path : `${path.slice(0, 200)}...`} ${what}`)
  }
}

/** In words, for whoever is told what was found. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'array'
  if (typeof value !== 'object') return typeof value
  const prototype: unknown = Object.getPrototypeOf(value)
  // That of any realm, not of this one alone.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return 'object'
  const { name } = value.constructor ?? {}
  return typeof name === 'string' && name !== '' ? name : 'an instance of a class'
}

function tooLarge(bytes?: number): NotJson {
  const found = bytes === undefined ? 'has more' : `has ${bytes}`
  return new NotJson(`it must have at most ${MAXIMUM_JSON_BYTES} bytes as JSON; it ${found}`)
}
