import { setMaxListeners } from 'node:events'

/** The part of `process` that `Interruption` needs; replaced in tests. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', handler: () => void): unknown
  removeListener(signal: 'SIGINT' | 'SIGTERM', handler: () => void): unknown
}

/**
 * One Ctrl-C often arrives twice: from the terminal and from the `npm` that started us. What follows this
 * soon is the same key press.
 */
const SAME_PRESS_MS = 300

export interface Interruption {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Name of the signal. */
  readonly name: () => 'SIGINT' | 'SIGTERM' | undefined
  dispose(): void
}

/** The first signal asks to stop; a second one, later than a key press takes, calls `onSecond`. */
export function watchSignals(
  onSecond: () => void,
  source: SignalSource = process,
  now: () => number = () => performance.now(),
): Interruption {
  const controller = new AbortController()
  // Every call under way listens to it; many at once are no leak.
  setMaxListeners(0, controller.signal)
  let first: { name: 'SIGINT' | 'SIGTERM'; at: number } | undefined
  const handle = (name: 'SIGINT' | 'SIGTERM') => () => {
    if (first === undefined) {
      first = { name, at: now() }
      controller.abort(new DOMException(`stopped by ${name}`, 'AbortError'))
    } else if (now() - first.at >= SAME_PRESS_MS) {
      onSecond()
    }
  }
  const handlers = { SIGINT: handle('SIGINT'), SIGTERM: handle('SIGTERM') }
  source.on('SIGINT', handlers.SIGINT)
  source.on('SIGTERM', handlers.SIGTERM)
  return {
    signal: controller.signal,
    name: () => first?.name,
    dispose() {
      source.removeListener('SIGINT', handlers.SIGINT)
      source.removeListener('SIGTERM', handlers.SIGTERM)
    },
  }
}
