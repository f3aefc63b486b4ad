import type { StateName } from '@jamey/bus'
import { Problem, retryAfter } from './problem.js'

/** The problem for a state of the connection that is not `connected`, and when to try again. */
const UNAVAILABLE: Readonly<
  Record<Exclude<StateName, 'connected'>, readonly [detail: string, retryAfterMs: number]>
> = {
  connecting: ['The gateway is still connecting to the message broker.', 1_000],
  reconnecting: ['The gateway lost the message broker and is reconnecting.', 2_000],
  disconnected: ['The gateway is not connected to the message broker.', 5_000],
  error: [
    'The gateway gave up connecting to the message broker after repeated failures; it needs to be reset.',
    30_000,
  ],
}

/** The reason why no call can be sent in a state of the connection; undefined when it can. */
export function unavailability(state: StateName): Problem | undefined {
  if (state === 'connected') return undefined
  const [detail, retryAfterMs] = UNAVAILABLE[state]
  return new Problem('unavailable', detail, { headers: retryAfter(retryAfterMs) })
}
