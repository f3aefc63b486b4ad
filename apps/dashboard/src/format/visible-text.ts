/** Text of strangers, in which nothing stays unseen. */

/** A piece of text; `isHidden` where it stands for a character that nobody would see, or that turns what follows. */
export interface TextPiece {
  readonly text: string
  readonly isHidden: boolean
}

/**
 * Control characters, marks of direction, and what takes no room: a call could be made to look like another one with
 * them. Line feed and tab are left, which are shown as they are.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u
const SPLIT = new RegExp(HIDDEN.source, 'gu')
/** More are one piece: each is an element of the page, and a text may have a million. */
const MAXIMUM_PIECES = 1_000

/** `text` in pieces, of which the hidden ones tell their code points, such as `U+202E`. */
export function visiblePieces(text: string): TextPiece[] {
  const all = allPieces(text)
  if (all.length <= MAXIMUM_PIECES) return all
  const rest = all.slice(MAXIMUM_PIECES).map(inBrackets).join('')
  return [...all.slice(0, MAXIMUM_PIECES), { text: rest, isHidden: false }]
}

function allPieces(text: string): TextPiece[] {
  const pieces: TextPiece[] = []
  let from = 0
  for (const match of text.matchAll(SPLIT)) {
    const [character] = match
    if (character === '\n' || character === '\t') continue
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), isHidden: false })
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    pieces.push({ text: `U+${code}`, isHidden: true })
    from = match.index + character.length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isHidden: false })
  return pieces
}

/** The same as one text, for titles and labels. */
export function visibleText(text: string): string {
  return allPieces(text).map(inBrackets).join('')
}

function inBrackets(piece: TextPiece): string {
  return piece.isHidden ? `[${piece.text}]` : piece.text
}
