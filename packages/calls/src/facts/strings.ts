import { secretsIn } from '../text/secrets.js'

/** A string or number of the arguments, and where it stands. */
export interface Leaf {
  /** JSON Pointer (RFC 6901). */
  readonly where: string
  /** Names of members on the way to it, the nearest last. */
  readonly names: readonly string[]
  readonly value: string | number
}

export interface Leaves {
  readonly leaves: readonly Leaf[]
  /** Names of members that are true. */
  readonly flags: readonly string[]
  /** What was not looked at, and why. */
  readonly unread: readonly string[]
}

const MAXIMUM_LEAVES = 20_000
const MAXIMUM_CHARACTERS = 2_000_000
const MAXIMUM_FLAGS = 1_000
const MAXIMUM_DEPTH = 64
/** JSON in a string is looked into, so often. */
const MAXIMUM_ENCODED = 3

/** What is still to be looked at. */
interface Open {
  readonly value: unknown
  readonly where: string
  readonly names: readonly string[]
  readonly depth: number
  readonly encoded: number
}

/** Everything in the arguments that says something, names of members included where they are no ordinary names. */
export function leavesOf(value: unknown): Leaves {
  return new LeafReader(value)
}

class LeafReader implements Leaves {
  readonly leaves: Leaf[] = []
  readonly flags: string[] = []
  readonly unread: string[] = []
  readonly #open: Open[]
  /** The first object; most arguments are one. */
  #root: object | undefined
  #seen: Set<object> | undefined
  #characters = 0

  constructor(value: unknown) {
    this.#open = [{ value, where: '', names: [], depth: 0, encoded: 0 }]
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) this.#read(next)
  }

  #read(next: Open): void {
    const { value, where, names, depth, encoded } = next
    if (value === true) this.#flag(names.at(-1))
    else if (typeof value === 'number') this.#add({ where, names, value })
    else if (typeof value === 'string') {
      this.#add({ where, names, value })
      const inner = encoded < MAXIMUM_ENCODED ? decoded(value) : undefined
      if (inner !== undefined)
        this.#open.push({ value: inner, where, names, depth: depth + 1, encoded: encoded + 1 })
    } else if (typeof value === 'object' && value !== null) this.#expand(value, next)
  }

  #expand(value: object, { where, names, depth, encoded }: Open): void {
    if (depth >= MAXIMUM_DEPTH) return this.#fail(`values nested more than ${MAXIMUM_DEPTH} deep`)
    if (this.#root === value || this.#seen?.has(value) === true)
      return this.#fail('values that contain themselves')
    if (this.#root === undefined) this.#root = value
    else this.#seen = (this.#seen ?? new Set()).add(value)
    if (this.leaves.length + this.#open.length > MAXIMUM_LEAVES)
      return this.#fail(`more than ${MAXIMUM_LEAVES} values`)
    const isArray = Array.isArray(value)
    const members = Object.keys(value)
    // The last one first, so that the first one is looked at next.
    for (let i = members.length - 1; i >= 0; i--) {
      const name = members[i] as string
      const at = `${where}/${isArray ? name : pointed(name)}`
      const inner = isArray ? names : [...names, name]
      const member = (value as Record<string, unknown>)[name]
      this.#open.push({ value: member, where: at, names: inner, depth: depth + 1, encoded })
      if (!isArray && (!ORDINARY_NAME.test(name) || secretsIn(name).length > 0))
        this.#add({ where: at, names, value: name })
    }
  }

  #add(leaf: Leaf): void {
    this.#characters += typeof leaf.value === 'string' ? leaf.value.length : 0
    if (this.leaves.length >= MAXIMUM_LEAVES) this.#fail(`more than ${MAXIMUM_LEAVES} values`)
    else if (this.#characters > MAXIMUM_CHARACTERS) this.#fail(`more than ${MAXIMUM_CHARACTERS} characters`)
    else this.leaves.push(leaf)
  }

  #flag(name: string | undefined): void {
    if (name === undefined || this.flags.includes(name)) return
    if (this.flags.length >= MAXIMUM_FLAGS) this.#fail(`more than ${MAXIMUM_FLAGS} members that are true`)
    else this.flags.push(name)
  }

  #fail(reason: string): void {
    if (!this.unread.includes(reason)) this.unread.push(reason)
  }
}

const ORDINARY_NAME = /^[\w .$-]{1,100}$/

/** A name as a part of a JSON Pointer. */
function pointed(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name
}

function decoded(text: string): unknown {
  if (!/^\s*[{["]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
