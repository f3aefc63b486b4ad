/** Nobody writes to more at once. */
const MOST = 1_000

/**
 * Each of those whom an argument names: `ann@example.org, Bob <bob@example.org>` are two. A name in front of an address
 * is left out, unless it may be taken for an address itself.
 */
export function recipientsIn(text: string): string[] {
  const parts = text.includes('@') ? text.split(/[,;\n]/, MOST + 1) : [text]
  if (parts.length > MOST) return [text]
  return parts.flatMap((part) => {
    const plain = part.trim()
    const named = /^(?:mailto:)?[^<>@]*<([^<>@\s]+@[^<>@\s]+)>$/i.exec(plain)
    return plain === '' ? [] : [named?.[1] ?? plain]
  })
}
