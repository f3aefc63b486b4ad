import { type Clock, systemClock } from '@jamey/bus'
import type { Logger } from 'pino'
import { expiringIn, type Renewer } from '../install/expiry.js'

const DAY_MS = 86_400_000

export interface CertificateKeeperOptions {
  /** Certificates that this process needs, absolute paths. */
  readonly paths: readonly string[]
  /** A folder whose authority renews what is in it; undefined: somebody else does. */
  readonly folder?: string | undefined
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly clock?: Clock
  readonly renew?: Renewer
}

/**
 * Looks at certificates when the process starts and once a day: renews those of a folder whose authority is at hand,
 * and warns of what ends within 30 days all the same. Whatever fails is a warning; it ends nothing.
 */
export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions
  readonly #clock: Clock
  #timer: unknown
  #isStopped = false

  constructor(options: CertificateKeeperOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** The first look, and from then on one a day. */
  async start(): Promise<void> {
    await this.#look()
    if (!this.#isStopped) this.#timer = this.#clock.setTimeout(() => void this.start(), DAY_MS)
  }

  stop(): void {
    this.#isStopped = true
    this.#clock.clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    const { folder, paths, log } = this.#options
    if (folder !== undefined) await this.#renew(folder)
    for (const { path, name, validTo, daysLeft } of expiringIn(paths, new Date(this.#clock.timeOfDay()))) {
      const facts = { certificate: name, path, valid_to: validTo.toISOString(), days_left: daysLeft }
      if (daysLeft < 0) log.warn({ event: 'certificate.ended', ...facts }, 'a certificate has ended')
      else log.warn({ event: 'certificate.ends_soon', ...facts }, 'a certificate ends soon')
    }
  }

  async #renew(folder: string): Promise<void> {
    const { log, renew = renewLazily } = this.#options
    try {
      const { written, faults } = await renew(folder, () => this.#clock.timeOfDay())
      if (written.length > 0)
        log.info({ event: 'certificate.renewed', folder, written }, 'certificates were renewed')
      for (const { name, error } of faults)
        log.warn({ event: 'certificate.unrenewed', err: error, name }, 'a certificate cannot be renewed')
    } catch (err) {
      log.warn({ event: 'certificate.renewal.failed', err, folder }, 'certificates cannot be renewed')
    }
  }
}

/** Issuing takes a library that is slow to load, and most days need none. */
const renewLazily: Renewer = async (folder, now) => {
  const { renewCertificates } = await import('@jamey/auth/authority')
  return renewCertificates(folder, { now })
}

/** The certificates that a part is told of by its environment; an authority counts, too. */
export function certificatePaths(env: NodeJS.ProcessEnv, absolute: (path: string) => string): string[] {
  const names = [
    'MQTT_TLS_CLIENT_CERT',
    'MQTT_TLS_CA_CERT',
    'MQTT_TOKEN_CA_CERT',
    'JAMEY_HTTP_CERT',
    'JAMEY_HTTP_CA',
  ]
  const paths = names.flatMap((name) => (env[name] ? [absolute(env[name])] : []))
  return [...new Set(paths)]
}
