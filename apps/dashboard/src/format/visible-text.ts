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

/** `text` in pieces, of which the hidden ones tell their code points, such as `U+202E`. */
export function visiblePieces(text: string): TextPiece[] {
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
  return visiblePieces(text)
    .map((piece) => (piece.isHidden ? `[${piece.text}]` : piece.text))
    .join('')
}
