import { randomBytes, type X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { encode, Writer } from '@jamey/protocol'

export interface TlsProbeOptions {
  readonly host: string
  readonly port: number
  readonly ca: string | Buffer | undefined
  /** True to look at any certificate, whoever vouches for it. */
  readonly takesAny?: boolean
  /** The certificate to show, PEM; the key may be encrypted. */
  readonly client:
    | {
        readonly cert: string | Buffer
        readonly key: string | Buffer
        readonly passphrase?: string | undefined
      }
    | undefined
}

/**
 * `answered`: TLS holds in both directions, for an MQTT server answered. `refused`: it ended the connection instead,
 * and `reason` is its TLS alert where it sent one. `failed`: nothing can be said, as nobody is there or nobody to trust.
 */
export interface TlsProbe {
  readonly outcome: 'answered' | 'refused' | 'failed'
  readonly certificate: X509Certificate | undefined
  readonly reason: string
}

const TIMEOUT_MS = 5_000

/**
 * Whether a server takes our client certificate. In TLS 1.3 a client hears of a refusal only after its handshake is
 * over, if at all, so something is asked: a CONNECT without credentials and under a name of its own, which throws out
 * nobody, whatever the server says to it.
 */
export function probeTls({ host, port, ca, takesAny = false, client }: TlsProbeOptions): Promise<TlsProbe> {
  return new Promise((resolve) => {
    let certificate: X509Certificate | undefined
    const socket: TLSSocket = connect({
      host,
      port,
      minVersion: 'TLSv1.3',
      rejectUnauthorized: !takesAny,
      servername: isIP(host) === 0 ? host : '',
      ...(ca === undefined ? {} : { ca }),
      ...client,
    })
    const end = (outcome: TlsProbe['outcome'], reason = ''): void => {
      socket.destroy()
      resolve({ outcome, certificate, reason })
    }
    socket.setTimeout(TIMEOUT_MS, () => end('failed', 'no answer'))
    socket.once('secureConnect', () => {
      certificate = socket.getPeerX509Certificate()
      for (const chunk of nobody()) socket.write(chunk)
    })
    socket.once('data', () => end('answered'))
    socket.once('error', (error: NodeJS.ErrnoException & { reason?: string }) => {
      end(certificate === undefined && !isAlert(error) ? 'failed' : 'refused', error.reason ?? error.message)
    })
    socket.once('close', () => end(certificate === undefined ? 'failed' : 'refused', 'without a word'))
  })
}

function isAlert({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.includes('_ALERT_')
}

function nobody(): Uint8Array[] {
  const writer = new Writer()
  const clientId = `jamey-doctor-${randomBytes(6).toString('hex')}`
  const nothing = { will: undefined, username: undefined, password: undefined, properties: undefined }
  const session = { protocolVersion: 5, cleanStart: true, keepAlive: 10 } as const
  encode(writer, { type: 'connect', clientId, ...session, ...nothing }, 5)
  return writer.take()
}
