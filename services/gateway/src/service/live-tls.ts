import { type RevocationFiles, type Revocations, WatchedFiles } from '@jamey/auth'
import type { Logger } from 'pino'
import type { GatewayTls } from '../callers/https.js'
import type { Gateway } from './gateway.js'

export interface LiveTlsOptions {
  readonly files: readonly string[]
  /** The settings that were read last. */
  readonly tls: GatewayTls
  /** Reads them again. */
  readonly read: () => GatewayTls | undefined
  readonly gateway: Pick<Gateway, 'renewTls'>
  /** The lists that are signed by the authorities among them. */
  readonly denied: Pick<Revocations, 'use'>
  readonly lists: Omit<RevocationFiles, 'authorities'>
  readonly log: Pick<Logger, 'info' | 'error'>
}

/** Has the gateway serve HTTPS with what its files hold now. What cannot be used changes nothing. */
export function keepTlsLive(options: LiveTlsOptions): { stop(): void } {
  const { files, read, gateway, denied, lists, log } = options
  let present = options.tls
  const renew = async (): Promise<void> => {
    try {
      const tls = read()
      if (tls === undefined || isSame(tls, present)) return
      gateway.renewTls(tls)
      present = tls
      await denied.use({ ...lists, authorities: authoritiesOf(tls) })
      log.info(
        { event: 'gateway.certificates.renewed' },
        'certificates were read again; new connections have them',
      )
    } catch (err) {
      log.error(
        { event: 'gateway.certificates.unusable', err },
        'the certificates that are there now cannot be used; the old stay in force',
      )
    }
  }
  return new WatchedFiles(files, () => void renew())
}

/** Authorities that may have signed revocation lists: those that vouch for client certificates. */
export function authoritiesOf(tls: GatewayTls | undefined): string[] {
  return tls?.clientCa === undefined ? [] : [String(tls.clientCa)]
}

function isSame(one: GatewayTls, other: GatewayTls): boolean {
  const names = ['cert', 'key', 'clientCa'] as const
  return names.every((name) => String(one[name]) === String(other[name]))
}
