/**
 * Runs `callback` at the end of this turn of the event loop: after everything that is readable now was read, and
 * without waiting as timers do. Returns what `cancelTurn` takes.
 */
export const afterTurn: (callback: () => void) => unknown =
  typeof setImmediate === 'function' ? setImmediate : postToSelf()

export function cancelTurn(handle: unknown): void {
  if (typeof clearImmediate === 'function') clearImmediate(handle as NodeJS.Immediate)
  else (handle as Posted).callback = undefined
}

interface Posted {
  callback: (() => void) | undefined
}

/** A MessageChannel as browsers have it. */
interface Channel {
  readonly port1: { onmessage: () => void }
  readonly port2: { postMessage(message: undefined): void }
}

/** Browsers hold timers back, but not messages; those are delivered in the order they were posted in. */
function postToSelf(): (callback: () => void) => unknown {
  const posted: Posted[] = []
  const { port1, port2 } = new MessageChannel() as unknown as Channel
  port1.onmessage = () => posted.shift()?.callback?.()
  return (callback) => {
    const handle: Posted = { callback }
    posted.push(handle)
    port2.postMessage(undefined)
    return handle
  }
}
