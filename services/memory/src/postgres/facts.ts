/** What `jsonb` does not take: U+0000, and halves of surrogate pairs. */
const ODD = /\\u(?:0000|d[89a-f])/i

/** Metadata in the form in which conditions are asked of them: what `jsonb` does not take is replaced. */
export function factsOf(metadata: string): unknown {
  const facts: unknown = JSON.parse(metadata)
  return ODD.test(metadata) ? plain(facts) : facts
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [plainText(name), plain(one)]))
}

export function plainText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}
