import { JameyError } from '@jamey/protocol'

/** The reasons that keep the service from starting. */
export type AuthzErrorCode =
  | 'settings-invalid'
  | 'tls-unusable'
  | 'secret-unusable'
  | 'plain-http'
  | 'grants-unusable'
  | 'port-in-use'
  | 'cannot-listen'

/** The authorization service could not be started; `message` says what to do about it. */
export class AuthzError extends JameyError<AuthzErrorCode> {
  override readonly name = 'AuthzError'
}
