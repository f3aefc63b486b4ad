import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, connectBus } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { emptyFolder, Program, secretsOf, startSystem } from '../e2e/program.js'

export const PARTS = ['broker', 'conscience', 'memory', 'gateway'] as const
export type Part = (typeof PARTS)[number]

/** All parts as processes of their own, each with metrics, as a machine runs them. */
export class Installation {
  readonly folder: string
  readonly metricsPorts: Readonly<Record<Part, number>>
  readonly http: string
  readonly #brokerPort: number
  readonly #httpPort: number
  readonly #running = new Map<Part, Program>()

  private constructor(folder: string, ports: readonly number[]) {
    const [brokerPort = 0, httpPort = 0, ...metrics] = ports
    this.folder = folder
    this.#brokerPort = brokerPort
    this.#httpPort = httpPort
    this.http = `http://127.0.0.1:${httpPort}`
    this.metricsPorts = Object.fromEntries(PARTS.map((part, at) => [part, metrics[at] ?? 0])) as Record<
      Part,
      number
    >
  }

  /** Makes certificates and secrets, and starts nothing. */
  static async make(): Promise<Installation> {
    const folder = emptyFolder()
    await (await startSystem(folder)).program.stop()
    rmSync(join(folder, '.jamey/data'), { recursive: true })
    return new Installation(folder, await Promise.all(Array.from({ length: 6 }, freePort)))
  }

  /** Resolves when it serves; `wrapper` is a program that starts it, such as faketime. */
  async start(part: Part, env: Record<string, string> = {}, isAwaited = true): Promise<void> {
    const variables = {
      MQTT_BROKER_URL: 'mqtts://127.0.0.1',
      MQTT_PORT: String(this.#brokerPort),
      JAMEY_BROKER_PORT: String(this.#brokerPort),
      JAMEY_HTTP_PORT: String(this.#httpPort),
      JAMEY_METRICS_PORT: String(this.metricsPorts[part]),
      JAMEY_HEARTBEAT_SECONDS: '1',
      // As `jamey up` has it: its page shows what its viewers may see.
      JAMEY_GATEWAY_PERMISSIONS: 'subscribe:#',
      ...env,
    }
    const program = new Program(this.folder, ['run', part, '--data-dir', '.jamey'], variables)
    this.#running.set(part, program)
    if (isAwaited)
      await program.prints(part === 'broker' ? /listen|ready|runs/i : new RegExp(`${part} is ready`))
  }

  async stop(part: Part, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#running.get(part)?.stop(signal)
  }

  async stopAll(): Promise<void> {
    for (const part of [...PARTS].reverse()) await this.stop(part)
  }

  connect(clientId: string): Promise<Bus> {
    const { ca, secret } = secretsOf(this.folder)
    return connectBus({
      url: `mqtts://127.0.0.1:${this.#brokerPort}`,
      clientId,
      tls: { ca },
      jwtSecret: secret,
      permissions: COMPONENTS.operator.permissions,
    })
  }
}
