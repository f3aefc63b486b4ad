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
  /** What was not looked at, and why. */
  readonly unread: readonly string[]
}

const MAXIMUM_LEAVES = 20_000
const MAXIMUM_CHARACTERS = 2_000_000
const MAXIMUM_DEPTH = 64
/** JSON in a string is looked into, so often. */
const MAXIMUM_ENCODED = 3

/** Everything in the arguments that says something, names of members included where they are no ordinary names. */
export function leavesOf(value: unknown): Leaves {
  const leaves: Leaf[] = []
  const unread = new Set<string>()
  let characters = 0
  const stack: { value: unknown; where: string; names: readonly string[]; depth: number; encoded: number }[] =
    [{ value, where: '', names: [], depth: 0, encoded: 0 }]
  const seen = new Set<object>()
  const add = (leaf: Leaf): boolean => {
    characters += typeof leaf.value === 'string' ? leaf.value.length : 0
    if (leaves.length >= MAXIMUM_LEAVES) unread.add(`more than ${MAXIMUM_LEAVES} values`)
    else if (characters > MAXIMUM_CHARACTERS) unread.add(`more than ${MAXIMUM_CHARACTERS} characters`)
    else return leaves.push(leaf) > 0
    return false
  }
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, where, names, depth, encoded } = next
    if (typeof value === 'number') add({ where, names, value })
    if (typeof value === 'string') {
      add({ where, names, value })
      const inner = encoded < MAXIMUM_ENCODED ? decoded(value) : undefined
      if (inner !== undefined)
        stack.push({ value: inner, where, names, depth: depth + 1, encoded: encoded + 1 })
    }
    if (typeof value !== 'object' || value === null) continue
    if (depth >= MAXIMUM_DEPTH) {
      unread.add(`values nested more than ${MAXIMUM_DEPTH} deep`)
      continue
    }
    if (seen.has(value)) {
      unread.add('values that contain themselves')
      continue
    }
    seen.add(value)
    if (leaves.length + stack.length > MAXIMUM_LEAVES) {
      unread.add(`more than ${MAXIMUM_LEAVES} values`)
      continue
    }
    const isArray = Array.isArray(value)
    for (const [name, member] of Object.entries(value).reverse()) {
      const at = `${where}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      stack.push({
        value: member,
        where: at,
        names: isArray ? names : [...names, name],
        depth: depth + 1,
        encoded,
      })
      if (!isArray && !/^[\w .$-]{1,100}$/.test(name)) add({ where: at, names, value: name })
    }
  }
  return { leaves, unread: [...unread] }
}

function decoded(text: string): unknown {
  const first = text.trimStart()[0]
  if (first !== '{' && first !== '[' && first !== '"') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
