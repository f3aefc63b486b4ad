import type { SubscriptionError } from '../model/errors.js'
import type { CallOptions } from '../model/options.js'
import type { Clock } from '../support/clock.js'
import { Deadline, type DeadlineCause } from '../support/deadline.js'
import type { Handling } from './handling.js'

/** Someone who waits for SUBACK or UNSUBACK. */
export interface Waiter {
  readonly handling: Handling | undefined
  resolve(reasonCode: number): void
  reject(error: SubscriptionError): void
}

/** Joins `waiters` until the server answers, or the time is up: then `giveUp` makes the error. */
export function waitFor(
  waiters: Waiter[],
  handling: Handling | undefined,
  clock: Clock,
  options: CallOptions,
  giveUp: (why: DeadlineCause) => SubscriptionError,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const deadline = Deadline.start(clock, options, (why) => {
      const at = waiters.indexOf(waiter)
      if (at >= 0) waiters.splice(at, 1)
      reject(giveUp(why))
    })
    const waiter: Waiter = {
      handling,
      resolve: (reasonCode) => {
        deadline?.cancel()
        resolve(reasonCode)
      },
      reject: (error) => {
        deadline?.cancel()
        reject(error)
      },
    }
    waiters.push(waiter)
  })
}

/** Takes out those who wait for the server's answer. */
export function takeWaiters(entry: { waiters: Waiter[] | undefined }): readonly Waiter[] {
  const { waiters = [] } = entry
  entry.waiters = undefined
  return waiters
}
