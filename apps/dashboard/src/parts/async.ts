import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/problem.js'
import { timeOfDay } from '../state/now.js'
import type { Remote } from '../state/poll.js'

/** What is asked for once, and again whenever `key` changes or `again` is called; an older answer never wins. */
export function useRemote<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): [Remote<T>, () => void] {
  const [remote, setRemote] = useState<Remote<T>>({ data: undefined, at: undefined, error: undefined })
  const [turn, setTurn] = useState(0)
  // `key` and `turn` say when, whatever `ask` is.
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    ask(signal).then(
      (data) => {
        if (!signal.aborted) setRemote({ data, at: timeOfDay(), error: undefined })
      },
      (error: unknown) => {
        if (signal.aborted || !(error instanceof ApiError)) return
        setRemote((before) => ({ ...before, error }))
      },
    )
    return () => controller.abort()
  }, [key, turn])
  return [remote, () => setTurn(turn + 1)]
}

/** An act of the reader: whether it is under way, and what went wrong with it last. */
export function useAct(): {
  readonly isBusy: boolean
  readonly error: ApiError | undefined
  run(act: () => Promise<void>): void
} {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | undefined>(undefined)
  const isThere = useRef(true)
  useEffect(
    () => () => {
      isThere.current = false
    },
    [],
  )
  const run = (act: () => Promise<void>): void => {
    setBusy(true)
    setError(undefined)
    act()
      .catch((failure: unknown) => {
        if (!(failure instanceof ApiError)) throw failure
        if (isThere.current) setError(failure)
      })
      .finally(() => {
        if (isThere.current) setBusy(false)
      })
  }
  return { isBusy, error, run }
}
