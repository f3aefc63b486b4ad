import { REASON_CODES_OF, ReasonCode } from '@jamey/protocol'
import type { AuthenticationRequest, Challenge, Identity } from '../../ports/authenticator.js'
import { ConnectionFault } from '../../support/errors.js'
import type { Connection } from '../connection.js'

type Shown = Omit<AuthenticationRequest, 'remoteAddress' | 'protocolVersion' | 'certificate'>

/** Asks the authenticator. Every refusal becomes a `ConnectionFault` with the reason code the client is told. */
export async function authenticate(connection: Connection, shown: Shown): Promise<Identity> {
  const { context, remoteAddress, certificate, version } = connection
  const { clientId } = shown
  try {
    const request = { ...shown, remoteAddress, certificate, protocolVersion: version }
    let outcome = await context.authenticator.authenticate(request)
    while (isChallenge(outcome)) outcome = await answerOf(connection, outcome, request)
    const identity = outcome
    if (identity.expiresAtMs !== undefined && identity.expiresAtMs <= context.clock.timeOfDay()) {
      throw new ConnectionFault(ReasonCode.notAuthorized, 'the credentials have expired')
    }
    if (context.hooks === undefined) return identity
    return await context.hooks.authenticate(request, identity)
  } catch (error) {
    context.counters.authenticationsRefused++
    const fault = faultOf(error)
    const { reasonCode, message } = fault
    context.unauthenticatedLog.warn(
      { event: 'broker.authentication.refused', clientId, remoteAddress, reasonCode, reason: message },
      'authentication refused',
    )
    if (fault.cause !== undefined)
      context.unauthenticatedLog.error(
        { event: 'broker.authenticator.failed', err: fault.cause },
        'the authenticator failed',
      )
    throw fault
  }
}

function isChallenge(outcome: Identity | Challenge): outcome is Challenge {
  return 'answer' in outcome
}

async function answerOf(
  { exchange }: Connection,
  challenge: Challenge,
  request: AuthenticationRequest,
): Promise<Identity | Challenge> {
  // [MQTT-4.12.0-6]
  if (exchange === undefined) {
    throw new ConnectionFault(ReasonCode.badAuthenticationMethod, 'an authentication method is needed')
  }
  const authenticationData = await exchange.ask(challenge)
  return challenge.answer({ ...request, authenticationData })
}

function faultOf(error: unknown): ConnectionFault {
  if (error instanceof ConnectionFault) return error
  if (error instanceof Error && 'reasonCode' in error) {
    const { reasonCode, message } = error
    if (typeof reasonCode === 'number' && reasonCode >= 0x80 && REASON_CODES_OF.connack.has(reasonCode)) {
      return new ConnectionFault(reasonCode, message)
    }
  }
  // A bug of the authenticator is nothing to tell an unauthenticated client about; nobody is let in by it.
  const fault = new ConnectionFault(ReasonCode.unspecifiedError, 'the server could not check the credentials')
  fault.cause = error
  return fault
}
