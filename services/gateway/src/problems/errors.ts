import { JameyError } from '@jamey/auth'

/** The reasons that kept the gateway from starting; the port cases are the ones a user can mend on the command line. */
export type GatewayErrorCode =
  | 'port-in-use'
  | 'port-forbidden'
  | 'address-unavailable'
  | 'socket-unusable'
  | 'tls-unusable'
  | 'token-secret-missing'
  | 'dashboard-unusable'
  | 'already-started'

/** The gateway could not be started; `message` is one line that says what to do about it. */
export class GatewayError extends JameyError<GatewayErrorCode> {
  override readonly name = 'GatewayError'
}

/** The typed form of what `listen` throws; anything that is not about the address is handed back as it is. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  const where = `${host}:${port}`
  switch (code) {
    case 'EADDRINUSE':
      return new GatewayError(
        'port-in-use',
        `HTTP port ${port} on ${host} is already in use: stop what uses it, or choose another with --http-port (JAMEY_HTTP_PORT).`,
        { cause: error },
      )
    case 'EACCES':
      return new GatewayError(
        'port-forbidden',
        `This user may not listen on ${where}: choose a port from 1024 up with --http-port (JAMEY_HTTP_PORT).`,
        { cause: error },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new GatewayError(
        'address-unavailable',
        `This machine has no address ${host} to listen on: set JAMEY_HTTP_HOST to one of its own, such as 127.0.0.1.`,
        { cause: error },
      )
    default:
      return error
  }
}
