import { ProtocolError, ReasonCode } from '@jamey/protocol'
import { AuthenticationError, ConnectionError } from '../model/errors.js'
import type { Endpoint } from '../model/transport.js'
import type { Action } from './reason-table.js'

/** The action after an error that is not the server's word. */
export function actionOf(error: Error): Action {
  if (!(error instanceof AuthenticationError || error instanceof ConnectionError)) return 'retry'
  // The server hung up; or else the network broke, which is nobody's fault here.
  const { code = '' } = (error.cause ?? {}) as { code?: string }
  if (error.code === 'lost' && /^$|PIPE|CONNRESET/.test(code)) return 'suspect'
  return error.retryable ? 'retry' : 'stop'
}

/** A connection that was never made was not lost. `isAsked`: CONNECT was sent. */
export function asUnreachable(error: Error, isAsked: boolean): Error {
  if (!(error instanceof ConnectionError) || error.code !== 'lost') return error
  const when = isAsked ? ' before CONNACK' : ''
  return new ConnectionError('unreachable', `${error.message}${when}`, {
    cause: error.cause,
    retryable: true,
  })
}

export function timedOut(endpoint: Endpoint, timeoutMs: number): ConnectionError {
  return new ConnectionError('timeout', `no connection with ${endpoint.href} within ${timeoutMs} ms`, {
    retryable: true,
  })
}

export function breakerOpen(failures: number, cause: Error): ConnectionError {
  return new ConnectionError(
    'breaker-open',
    `gave up after ${failures} failures in a row; call reset() to try again. The last one: ${cause.message}`,
    { cause, retryable: true },
  )
}

/** `retryable`: the next one is made anew, by the functions among the options. */
export function invalidConnect(cause: Error, retryable: boolean): ConnectionError {
  return new ConnectionError('invalid-argument', `CONNECT cannot be sent: ${cause.message}`, {
    cause,
    retryable,
  })
}

export function notConnected(): ConnectionError {
  return new ConnectionError('closed', 'the client is not connected', { retryable: true })
}

export function violation(message: string, reasonCode: number = ReasonCode.protocolError): ProtocolError {
  return new ProtocolError('protocol-error', reasonCode, -1, message)
}

/**
 * Throws where the server names another authentication method than ours. That it names none is let pass: some leave it
 * out of CONNACK. [MQTT-4.12.0-5] [MQTT-4.12.0-6]
 */
export function assertMethod(ours: string | undefined, theirs: string | undefined): void {
  if (theirs === undefined || theirs === ours) return
  throw violation(
    `the authentication method '${theirs}' came; expected ${ours === undefined ? 'none' : `'${ours}'`}`,
  )
}
