/** A place in a request's data that no request may have. */
export interface JsonFault {
  /** Names and indexes from the data to the place. */
  readonly path: readonly (string | number)[]
  /** What is expected there. */
  readonly expected: string
}

const UNICODE = 'expected text that is Unicode, without half a surrogate pair'
const NAME = 'expected no member of that name'

/** Values that are looked at before objects are remembered, lest one that contains itself be looked at for ever. */
const USUAL_VALUES = 100_000

/**
 * The first text in `data` that is not Unicode, or member called `__proto__`, in whichever order it is found. The one is
 * written in UTF-8 as something else, and has no canonical form; the other means something else to whoever copies
 * objects.
 */
export function textFaultIn(data: unknown): JsonFault | undefined {
  return hasWholeText(data) ? undefined : firstFault(data)
}

/** A list of what is left stands for recursion, which deep data would exhaust. */
function hasWholeText(data: unknown): boolean {
  const left: unknown[] = [data]
  for (let seen = 0; left.length > 0; seen++) {
    if (seen === USUAL_VALUES) return false
    const value = left.pop()
    if (typeof value === 'string') {
      if (!value.isWellFormed()) return false
    } else if (Array.isArray(value)) {
      for (const one of value) left.push(one)
    } else if (typeof value === 'object' && value !== null) {
      for (const name in value) {
        if (faultOfName(name) !== undefined) return false
        left.push((value as Record<string, unknown>)[name])
      }
    }
  }
  return true
}

interface Place {
  readonly value: unknown
  readonly name: string | number
  readonly above: Place | undefined
}

function firstFault(data: unknown): JsonFault | undefined {
  const known = new Set<object>()
  const left: Place[] = [{ value: data, name: '', above: undefined }]
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const { value } = place
    if (typeof value === 'string' && !value.isWellFormed()) return { path: pathTo(place), expected: UNICODE }
    if (typeof value !== 'object' || value === null || known.has(value)) continue
    known.add(value)
    for (const [name, one] of Object.entries(value)) {
      const below = { value: one, name: Array.isArray(value) ? Number(name) : name, above: place }
      const expected = faultOfName(name)
      if (expected !== undefined) return { path: pathTo(below), expected }
      left.push(below)
    }
  }
  return undefined
}

function faultOfName(name: string): string | undefined {
  if (name === '__proto__') return NAME
  return name.isWellFormed() ? undefined : UNICODE
}

function pathTo(place: Place): (string | number)[] {
  const path: (string | number)[] = []
  for (let at = place; at.above !== undefined; at = at.above) path.unshift(at.name)
  return path
}
