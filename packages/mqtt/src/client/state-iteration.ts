import type { StateChange } from '../model/state.js'
import type { StateStream } from './state-stream.js'

/** Changes kept for an observer that does not look; with more the oldest go. */
const MAXIMUM_WAITING = 1000

/** Starts with `present`; ends with the stream, once what it holds is handed out. */
export async function* iterate(
  stream: StateStream,
  present: StateChange,
): AsyncGenerator<StateChange, undefined> {
  const waiting: StateChange[] = [present]
  let { hasEnded } = stream
  let wake = (): void => {}
  const stop = stream.observe(
    (change) => {
      waiting.push(change)
      if (waiting.length > MAXIMUM_WAITING) waiting.shift()
      wake()
    },
    () => {
      hasEnded = true
      wake()
    },
  )
  try {
    for (;;) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else if (hasEnded) return undefined
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    stop()
  }
}
