import { visiblePieces } from '../format/visible-text.js'

/** Text that somebody else wrote: what would not be seen is shown by its code point. */
export function Text({ children }: { children: string }) {
  const pieces = visiblePieces(children)
  return (
    <bdi>
      {pieces.map((piece, i) =>
        piece.isHidden ? (
          <span key={i} class="hidden-character" title="A character that cannot be seen">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  )
}
