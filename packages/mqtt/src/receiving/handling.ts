import type { MessageHandler } from '../model/options.js'

/** One handler of one subscription. */
export class Handling {
  handler: MessageHandler
  readonly leavesFailed: boolean
  /** Subscription identifiers whose retained messages are for others. */
  ignoredIdentifiers: Set<number> | undefined = undefined

  constructor(handler: MessageHandler, leavesFailed: boolean) {
    this.handler = handler
    this.leavesFailed = leavesFailed
  }
}

export const NO_HANDLINGS: readonly Handling[] = Object.freeze([])
