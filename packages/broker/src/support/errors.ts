import { JameyError } from '@jamey/protocol'

export { AuthenticationRefused } from '@jamey/protocol'

/**
 * `listener-insecure`: a listener without TLS was not marked `insecure: true`. `listener-invalid`: host, port or
 * certificate cannot be used. `limit-invalid`: a limit is no number in its range. `authenticator-missing`.
 * `address-in-use`: another process listens there. `listen-failed`: the system refused for another reason.
 * `store-failed`: the store could not load what it holds. `close-invalid`: the options of `close` do not go together.
 * `reload-invalid`: what `reload` was given does not fit the listeners that are there. `stamp-invalid`: what
 * `stampSenders` holds is no topic filter that clients publish under. `refuse-when-full-invalid`: the same of
 * `refuseWhenFull`. `maximum-qos-invalid`: `maximumQos` is no QoS. `publish-invalid`: topic, payload or options of `publish` cannot be published. `publish-refused`:
 * there is no room for it, or the store does not keep it. `subscribe-invalid`: filter, options or
 * handler of `subscribe` cannot be used. `disconnect-invalid`: DISCONNECT has no such reason code.
 * `broker-closed`: the broker closes or has closed.
 */
export type BrokerErrorCode =
  | 'listener-insecure'
  | 'listener-invalid'
  | 'limit-invalid'
  | 'authenticator-missing'
  | 'address-in-use'
  | 'listen-failed'
  | 'store-failed'
  | 'close-invalid'
  | 'reload-invalid'
  | 'stamp-invalid'
  | 'refuse-when-full-invalid'
  | 'maximum-qos-invalid'
  | 'publish-invalid'
  | 'publish-refused'
  | 'subscribe-invalid'
  | 'disconnect-invalid'
  | 'broker-closed'

/** The broker cannot do as whoever embeds it asked; the message says what to change. */
export class BrokerError extends JameyError<BrokerErrorCode> {
  override readonly name = 'BrokerError'
}

/** A client did what the standard or a limit forbids: its connection ends with this reason code. Not public. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault'
  readonly reasonCode: number

  constructor(reasonCode: number, message: string) {
    super(message)
    this.reasonCode = reasonCode
  }
}
