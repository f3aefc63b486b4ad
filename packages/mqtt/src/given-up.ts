import type { StoredReason } from './session-store.js'

/** Why a message that somebody dropped was given up. */
export const DROPPED_BY_HAND: StoredReason = Object.freeze({
  code: 'dropped',
  message: 'dropped by hand',
  reasonCode: undefined,
})

/** Why a message set aside, which was retried, was given up under its old number. */
export function publishedAnew({ code, message, reasonCode }: StoredReason, receipt: string): StoredReason {
  return { code, message: `${message}; published anew with the receipt ${receipt}`, reasonCode }
}
