import { JameyError, type JameyErrorDetails } from './jamey-error.js'
import { ReasonCode } from './reason-codes.js'

/**
 * What whoever decides about clients throws to let one not in, or no longer. `reasonCode` is what CONNACK (for a
 * renewal: DISCONNECT) carries; the message goes to the client as Reason String, so it must not hold secrets.
 */
export class AuthenticationRefused extends JameyError<'authentication-refused'> {
  override readonly name = 'AuthenticationRefused'
  readonly reasonCode: number

  constructor(message: string, reasonCode: number = ReasonCode.notAuthorized, details?: JameyErrorDetails) {
    super('authentication-refused', message, details)
    this.reasonCode = reasonCode
  }
}
