import { createHash } from 'node:crypto'

/**
 * A message identifier that follows from what is stored: storing the same paragraph with the same owner, layer,
 * tags and importance again carries the same identifier, and the memory keeps it once. The envelope demands
 * a version 4 UUID, so the hash is dressed as one.
 */
export function contentId(parts: {
  /** Owner of the memory: the same text of another is another memory. */
  readonly owner: string
  readonly content: string
  readonly layer: string | undefined
  readonly tags: readonly string[]
  readonly importance: number | undefined
}): string {
  const canonical = JSON.stringify([
    parts.owner,
    parts.content,
    parts.layer ?? null,
    [...parts.tags].sort(),
    parts.importance ?? null,
  ])
  const bytes = createHash('sha256').update('jamey memory\n').update(canonical).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
