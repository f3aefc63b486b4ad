import type { Publish } from '@jamey/protocol'
import type { Message } from '../model/message.js'
import type { Handling } from './handling.js'

/** The rejection of a handler that never looked at its message: no failure, but no acknowledgement either. */
export const NOT_CONSUMED: unique symbol = Symbol('not consumed')

export interface ReceivedPublishListener {
  /** All handlers have settled. */
  onSettled(received: ReceivedPublish): void
  onHandlerFailed(error: unknown, message: Message): void
}

/**
 * One received QoS 1 or 2 message until its acknowledgement has left. The objects are used again, because their two
 * bound functions cost more than all the rest.
 */
export class ReceivedPublish {
  packet: Publish | undefined = undefined
  reasonCode = 0
  /** Handlers that have not settled yet. */
  running = 0
  /** The acknowledgement may go, as soon as those before it have gone. */
  isSettled = false
  /** No acknowledgement is sent: a handler failed that wants the message again. */
  isLeft = false
  /** The connection it came with is gone, and with it the identifier to acknowledge. */
  isStale = false
  /** The session it belonged to is gone: what becomes of it concerns nobody any more. */
  isForgotten = false
  /** Moment at which its handlers began, where they are still at work. */
  beganAtMs = 0
  /** It is in the queue of acknowledgements of the present connection. */
  isQueued = false
  readonly #listener: ReceivedPublishListener
  #leaves = false

  constructor(listener: ReceivedPublishListener) {
    this.#listener = listener
  }

  begin(packet: Publish): void {
    this.packet = packet
    this.reasonCode = 0
    this.running = this.beganAtMs = 0
    this.isSettled = this.isLeft = this.isStale = this.isForgotten = this.isQueued = this.#leaves = false
  }

  /** Calls the handlers; true where none of them is still at work. */
  run(packet: Publish, handlings: readonly Handling[]): boolean {
    for (let i = 0; i < handlings.length; i++) {
      const handling = handlings[i] as Handling
      if (handling.leavesFailed) this.#leaves = true
      try {
        const result = handling.handler(packet)
        if (!isThenable(result)) continue
        this.running++
        result.then(this.#onDone, this.#onFailed)
      } catch (error) {
        this.#failed(error)
      }
    }
    return this.running === 0
  }

  readonly #onDone = (): void => {
    if (--this.running === 0) this.#listener.onSettled(this)
  }

  readonly #onFailed = (error: unknown): void => {
    this.#failed(error)
    this.#onDone()
  }

  #failed(error: unknown): void {
    if (error === NOT_CONSUMED) {
      this.isLeft = true
      return
    }
    if (this.#leaves) this.isLeft = true
    // Implementation specific error: the receiver does not want to accept the message. [MQTT 5.0 table 3-4]
    else this.reasonCode = 0x83
    if (this.packet !== undefined) this.#listener.onHandlerFailed(error, this.packet)
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
