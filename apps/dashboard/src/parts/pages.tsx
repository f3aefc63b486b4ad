import { Time } from './time.js'

interface PagesProps {
  readonly label: string
  /** The cursors of the pages up to the one that is shown, but for the first. */
  readonly cursors?: readonly string[]
  readonly next?: string | undefined
  readonly at?: number | undefined
  onMove?(cursors: readonly string[]): void
  onAgain?(): void
}

/** Leads from page to page of a list, and looks again. */
export function Pages({ label, cursors = [], next, at, onMove, onAgain }: PagesProps) {
  const isAlone = cursors.length === 0 && next === undefined
  if (isAlone && onAgain === undefined) return null
  return (
    <nav class="pages" aria-label={`Pages of ${label}`}>
      {!isAlone && (
        <>
          <button
            type="button"
            disabled={cursors.length === 0}
            onClick={() => onMove?.(cursors.slice(0, -1))}
          >
            Before
          </button>
          <span class="muted">Page {cursors.length + 1}</span>
          <button
            type="button"
            disabled={next === undefined}
            onClick={() => next !== undefined && onMove?.([...cursors, next])}
          >
            Next
          </button>
        </>
      )}
      {onAgain !== undefined && (
        <button type="button" class="quiet" onClick={onAgain}>
          Look again
        </button>
      )}
      {at !== undefined && (
        <span class="muted small">
          as of <Time at={at} />
        </span>
      )}
    </nav>
  )
}
