import canonicalize from 'canonicalize'

/**
 * A value of JSON.parse in canonical JSON (RFC 8785); undefined where JSON has no such value. Throws where it has no
 * canonical form. Plain values, which nearly all are, are written here in a fraction of the time; what is wrong with
 * others, and how to say so, is left to the library.
 */
export function canonicalJson(value: unknown): string | undefined {
  let written: string | undefined
  try {
    written = plainJson(value)
  } catch {
    // Thousands of levels, of which the library says the same in its own words.
  }
  return written ?? canonicalize(value)
}

/** Strings that are written as they are: nothing to escape, and no halves of surrogate pairs. */
const UNESCAPED = /^[\u0020\u0021\u0023-\u005b\u005d-\ud7ff\ue000-\uffff]*$/

/** Undefined where half of a surrogate pair stands alone. */
function quoted(text: string): string | undefined {
  if (UNESCAPED.test(text)) return `"${text}"`
  return text.isWellFormed() ? JSON.stringify(text) : undefined
}

/** Undefined where anything in it is not plain. */
function plainJson(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return quoted(value)
    case 'number':
      // As ECMAScript writes numbers, so does RFC 8785, section 3.2.2.3; -0 is 0.
      return Number.isFinite(value) ? String(value) : undefined
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? plainArray(value) : plainObject(value as Record<string, unknown>)
    default:
      return undefined
  }
}

function plainArray(values: readonly unknown[]): string | undefined {
  let text = '['
  for (let i = 0; i < values.length; i++) {
    const json = plainJson(values[i])
    if (json === undefined) return undefined
    text += i === 0 ? json : `,${json}`
  }
  return `${text}]`
}

/** Members in the order of the UTF-16 code units of their names. */
function plainObject(value: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof value['toJSON'] === 'function') return undefined
  const names = Object.keys(value)
  sort(names)
  let text = '{'
  for (let i = 0; i < names.length; i++) {
    const name = quoted(names[i] as string)
    const json = plainJson(value[names[i] as string])
    if (json === undefined || name === undefined) return undefined
    text += i === 0 ? `${name}:${json}` : `,${name}:${json}`
  }
  return `${text}}`
}

/** Few names are put in their places here, which allocates nothing. */
const FEW = 16

function sort(names: string[]): void {
  if (names.length > FEW) return void names.sort()
  for (let i = 1; i < names.length; i++) {
    const name = names[i] as string
    let at = i
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string
    names[at] = name
  }
}
