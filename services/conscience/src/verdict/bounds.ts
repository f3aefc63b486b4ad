/** Limits on what a requester may attach to an action, so that judging it takes a bounded time. */
export const BOUNDS = { depth: 12, entries: 1_000, characters: 65_536, actionCharacters: 10_000 } as const

/**
 * The bound that a value exceeds, with the path to it, or `undefined` when it is within bounds. It does not recurse,
 * so a value nested a million times deep cannot exhaust the stack.
 */
export function excess(root: unknown, name: string): { field: string; reason: string } | undefined {
  const open: { value: unknown; path: string; depth: number }[] = [{ value: root, path: name, depth: 1 }]
  let [entries, characters] = [0, 0]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path, depth } = next
    if (typeof value === 'string') characters += value.length
    if (typeof value !== 'object' || value === null) continue
    if (depth > BOUNDS.depth)
      return { field: name, reason: `nested deeper than ${BOUNDS.depth} levels (at ${shorten(path)})` }
    for (const key of Object.keys(value)) {
      entries++
      characters += key.length
      if (entries > BOUNDS.entries)
        return { field: name, reason: `too large: more than ${BOUNDS.entries} entries in all` }
      open.push({ value: (value as Record<string, unknown>)[key], path: `${path}.${key}`, depth: depth + 1 })
    }
    if (characters > BOUNDS.characters) break
  }
  if (characters <= BOUNDS.characters) return undefined
  return { field: name, reason: `too large: more than ${BOUNDS.characters} characters in all` }
}

function shorten(path: string): string {
  return path.length > 80 ? `${path.slice(0, 77)}...` : path
}
