import { resolve } from 'node:path'
import { readOwnFile } from '@jamey/auth'
import { readCertificates } from '@jamey/auth/authority'
import type { Broker } from '@jamey/broker'
import type { Bus } from '@jamey/bus'
import type { CertificateEnd, ClientMetrics, Metrics, MetricsServer } from '@jamey/metrics'
import type { Logger } from 'pino'
import { readDataFile } from '../install/data-directory.js'
import { CommandFailure } from '../support/failure.js'
import { portIn } from '../support/listening.js'

/** More than any token. */
const MAXIMUM_TOKEN_BYTES = 10_000

export interface MetricsSettings {
  readonly env: NodeJS.ProcessEnv
  /** Folder of relative paths. */
  readonly cwd: string
  readonly log: Logger
}

/** The metrics of this process, and whether it is ready, at the port that JAMEY_METRICS_PORT says, if one. */
export class ServedMetrics {
  readonly metrics: Metrics
  readonly #parts: typeof import('@jamey/metrics')
  readonly #clients: ClientMetrics[] = []
  #server: MetricsServer | undefined
  #unreadiness: () => string | undefined = () => 'it is starting'

  private constructor(parts: typeof import('@jamey/metrics')) {
    this.#parts = parts
    this.metrics = new parts.Metrics()
  }

  /** Throws `CommandFailure` where the settings cannot be, and `MetricsServerError` where it cannot listen. */
  static async start({ env, cwd, log }: MetricsSettings): Promise<ServedMetrics> {
    const served = new ServedMetrics(await import('@jamey/metrics'))
    const port = portIn(env, 'JAMEY_METRICS_PORT')
    if (port === undefined) return served
    const { MetricsServer } = served.#parts
    const { JAMEY_METRICS_HOST: host, JAMEY_METRICS_TOKEN_FILE: file } = env
    const token = file ? tokenIn(resolve(cwd, file)) : undefined
    const { metrics } = served
    const unreadiness = (): string | undefined => served.#unreadiness()
    served.#server = await MetricsServer.listen({
      metrics,
      port,
      host: host || undefined,
      token,
      unreadiness,
    })
    log.info(
      { event: 'metrics.listening', host: host || '127.0.0.1', port: served.#server.port },
      'metrics are served',
    )
    return served
  }

  /** What `/readyz` tells from now on; without `bus`, of a process that serves without one. */
  nowReady(bus?: Bus): void {
    this.#unreadiness = () =>
      bus === undefined || bus.mqtt.state === 'connected' ? undefined : 'it is not connected to the broker'
  }

  nowStopping(): void {
    this.#unreadiness = () => 'it is stopping'
  }

  watchBus(bus: Bus): void {
    const client = new this.#parts.ClientMetrics(bus.mqtt)
    this.#clients.push(client)
    client.addTo(this.metrics)
    this.metrics.add(...this.#parts.busMetrics(bus))
  }

  watchBroker(broker: Pick<Broker, 'stats' | 'latencies'>): void {
    this.metrics.add(...this.#parts.brokerMetrics(broker))
  }

  watchCertificates(paths: readonly string[]): void {
    this.metrics.add(...this.#parts.certificateMetrics(() => endsOf(paths)))
  }

  watchData(folder: string): void {
    this.metrics.add(...this.#parts.dataMetrics(folder))
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.stop()
    await this.#server?.close()
  }
}

/** A token that others may read is none. */
function tokenIn(path: string): string {
  const token = readOwnFile(path, { isSecret: true, maximumBytes: MAXIMUM_TOKEN_BYTES }).trim()
  if (token !== '') return token
  throw new CommandFailure(`JAMEY_METRICS_TOKEN_FILE: expected a token in ${path}, found nothing`, {
    code: 'configuration',
  })
}

/** Of files that can be read now; whoever needs the others tells of them. */
function endsOf(paths: readonly string[]): CertificateEnd[] {
  return paths.flatMap((path) => {
    try {
      const [certificate] = readCertificates(readDataFile(path))
      return certificate === undefined ? [] : [{ name: path, validToMs: Date.parse(certificate.validTo) }]
    } catch {
      return []
    }
  })
}
