import type { MessageHandler } from './options.js'

/** One handler of one subscription. */
export class Handling {
  readonly handler: MessageHandler
  readonly leavesFailed: boolean

  constructor(handler: MessageHandler, leavesFailed: boolean) {
    this.handler = handler
    this.leavesFailed = leavesFailed
  }
}

export const NO_HANDLINGS: readonly Handling[] = Object.freeze([])
