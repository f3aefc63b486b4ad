import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/problem.js'

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | undefined
}

interface Asked<Item> {
  /** With a cursor for what is older; without one for the newest. */
  ask(cursor: string | undefined): Promise<Page<Item>>
  idOf(item: Item): string
}

export interface MoreItems<Item> {
  /** Undefined until the first page is there. */
  readonly items: readonly Item[] | undefined
  readonly next: string | undefined
  readonly isBusy: boolean
  readonly error: ApiError | undefined
  more(): void
  /** Asks for the newest again; older ones that were shown stay. */
  again(): void
}

/** A list that becomes longer page by page, and begins anew whenever `key` changes. */
export function useMore<Item>(key: string, { ask, idOf }: Asked<Item>): MoreItems<Item> {
  const [found, setFound] = useState<Page<Item> | undefined>(undefined)
  const [error, setError] = useState<ApiError | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  /** Of what was asked before something else nothing is taken. */
  const run = useRef(0)
  const load = (merge: (page: Page<Item>) => Page<Item>, cursor?: string): void => {
    run.current += 1
    const mine = run.current
    setBusy(true)
    ask(cursor)
      .then(
        (page) => {
          if (mine !== run.current) return
          setFound(merge(page))
          setError(undefined)
        },
        (failure: unknown) => {
          if (!(failure instanceof ApiError)) throw failure
          if (mine === run.current) setError(failure)
        },
      )
      .finally(() => {
        if (mine === run.current) setBusy(false)
      })
  }
  useEffect(() => {
    setFound(undefined)
    load((page) => page)
    return () => {
      run.current += 1
    }
  }, [key])
  const items = found?.items ?? []
  return {
    items: found?.items,
    next: found?.next,
    isBusy,
    error,
    more: () => load(({ items: older, next }) => ({ items: [...items, ...older], next }), found?.next),
    again: () =>
      load((page) => {
        const ids = new Set(page.items.map(idOf))
        const others = items.filter((item) => !ids.has(idOf(item)))
        return { items: [...page.items, ...others], next: found === undefined ? page.next : found.next }
      }),
  }
}

interface MoreProps {
  readonly label: string
  readonly isBusy: boolean
  onMore(): void
}

/** Leads on in a list that becomes longer. */
export function More({ label, isBusy, onMore }: MoreProps) {
  return (
    <nav class="pages" aria-label={label}>
      <button type="button" disabled={isBusy} onClick={onMore}>
        {isBusy ? 'Asking…' : label}
      </button>
    </nav>
  )
}
