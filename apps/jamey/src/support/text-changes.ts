import { createHash } from 'node:crypto'

/** A part of a text as it was stored. */
export interface StoredPiece {
  readonly id: string
  readonly content: string
  /** As `hashOf` has it. */
  readonly hash: string
}

/** A part of the text as it is now. */
export interface PieceNow {
  readonly content: string
}

/** Changes of a text since it was stored. */
export interface TextChanges<Now, Stored> {
  readonly unchanged: readonly { readonly piece: Now; readonly stored: Stored }[]
  /** Edited: most of its words are those of one that is no longer there. */
  readonly edited: readonly { readonly piece: Now; readonly stored: Stored }[]
  readonly added: readonly Now[]
  readonly gone: readonly Stored[]
}

/** The share of common words from which on a part is an edited one and no other. */
const LEAST_LIKENESS = 0.5
/** Words that stand in so many parts say little of which one it was; comparing them all would take the square of it. */
const MAXIMUM_POSTINGS = 50

/** SHA-256 of a text as the memory has it, in lower-case hex. */
export function hashOf(content: string): string {
  return createHash('sha256').update(content.normalize('NFC')).digest('hex')
}

/** Compares a text with what is stored of it; a part that occurs twice in it counts once. */
export function changesOf<Now extends PieceNow, Stored extends StoredPiece>(
  pieces: readonly Now[],
  stored: readonly Stored[],
): TextChanges<Now, Stored> {
  const byHash = new Map(pieces.map((piece) => [hashOf(piece.content), piece]))
  const unchanged: { piece: Now; stored: Stored }[] = []
  const left: Stored[] = []
  for (const one of stored) {
    const piece = byHash.get(one.hash)
    if (piece === undefined) left.push(one)
    else unchanged.push({ piece, stored: one })
    byHash.delete(one.hash)
  }
  const fresh = [...byHash.values()]
  const edited = likestPairs(fresh, left)
  const isEdited = new Set<Now | Stored>(edited.flatMap(({ piece, stored: one }) => [piece, one]))
  return {
    unchanged,
    edited,
    added: fresh.filter((piece) => !isEdited.has(piece)),
    gone: left.filter((one) => !isEdited.has(one)),
  }
}

/** Pairs of parts that are like each other, the likest first, each part in one of them. */
function likestPairs<Now extends PieceNow, Stored extends StoredPiece>(
  pieces: readonly Now[],
  stored: readonly Stored[],
): { piece: Now; stored: Stored }[] {
  const words = stored.map((one) => wordsOf(one.content))
  const holders = new Map<string, number[]>()
  for (const [i, set] of words.entries()) {
    for (const word of set) holders.set(word, [...(holders.get(word) ?? []).slice(-MAXIMUM_POSTINGS), i])
  }
  const pairs = pieces.flatMap((piece) => {
    const own = wordsOf(piece.content)
    const candidates = new Set<number>()
    for (const word of own) {
      const at = holders.get(word) ?? []
      if (at.length <= MAXIMUM_POSTINGS) for (const i of at) candidates.add(i)
    }
    return [...candidates].map((i) => ({ piece, i, likeness: likeness(own, words[i] ?? new Set()) }))
  })
  const taken = new Set<Now | number>()
  const found: { piece: Now; stored: Stored }[] = []
  for (const { piece, i, likeness: share } of pairs.sort((a, b) => b.likeness - a.likeness)) {
    const one = stored[i]
    if (share < LEAST_LIKENESS || one === undefined || taken.has(piece) || taken.has(i)) continue
    taken.add(piece).add(i)
    found.push({ piece, stored: one })
  }
  return found
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu))
}

/** Common words by all words of both (Dice). */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let common = 0
  for (const word of one) if (other.has(word)) common += 1
  return (2 * common) / (one.size + other.size)
}
