import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import { type Bus, configFromEnvironment, connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { type Client, type ConnectOptions, createClient } from '@jamey/mqtt'
import { freePort } from '@jamey/testing'
import type { BrokerUnderTest } from './broker-under-test.js'
import { INSTANCES, permissionsOf } from './cast.js'
import { Part } from './parts.js'

export interface SystemSettings {
  /** Of every token. */
  readonly tokenSeconds: number
}

/** A broker, our services as processes of their own, and clients of this one. */
export class SystemUnderTest {
  readonly broker: BrokerUnderTest
  readonly parts: readonly Part[]
  readonly http: string
  readonly folder: string
  readonly #env: Readonly<Record<string, string>>
  readonly #buses = new Map<string, Promise<Bus>>()

  private constructor(
    broker: BrokerUnderTest,
    parts: readonly Part[],
    more: { folder: string; http: string; env: Readonly<Record<string, string>> },
  ) {
    this.broker = broker
    this.parts = parts
    this.http = more.http
    this.folder = more.folder
    this.#env = more.env
  }

  /** The broker has to run already. */
  static async start(broker: BrokerUnderTest, settings: SystemSettings): Promise<SystemUnderTest> {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-brokers-parts-'))
    const port = await freePort()
    const env = {
      MQTT_JWT_LIFETIME_SECONDS: String(settings.tokenSeconds),
      MQTT_BREAKER_FAILURES: 'never',
      MQTT_PROTOCOL_VERSION: String(broker.capabilities.protocolVersion),
    }
    const parts: Part[] = []
    for (const [name, clientIds] of Object.entries(INSTANCES)) {
      for (const clientId of clientIds) {
        const place = join(folder, clientId)
        mkdirSync(place, { mode: 0o700 })
        const own = { JAMEY_DATA_DIR: place, JAMEY_HTTP_PORT: String(port) }
        const given = { ...env, ...(await broker.environmentOf(clientId)), ...own }
        parts.push(new Part(name as Part['name'], clientId, { folder: place, env: given }))
      }
    }
    const system = new SystemUnderTest(broker, parts, { folder, http: `http://127.0.0.1:${port}`, env })
    await Promise.all(parts.map((part) => part.start())).catch(async (error: unknown) => {
      await system.close()
      throw error
    })
    return system
  }

  get consciences(): readonly Part[] {
    return this.parts.filter(({ name }) => name === 'conscience')
  }

  /** The client of the cast, connected for as long as the system is there. */
  bus(clientId: string): Promise<Bus> {
    const known = this.#buses.get(clientId)
    if (known !== undefined) return known
    const made = this.#connect(clientId)
    this.#buses.set(clientId, made)
    return made
  }

  /** Like `bus`, for as long as `work` takes: its identifier is tried by others, too. */
  async withBus<T>(clientId: string, work: (bus: Bus) => Promise<T>): Promise<T> {
    const bus = await this.#connect(clientId)
    try {
      return await work(bus)
    } finally {
      await bus.close()
    }
  }

  /** A connection of its own that nothing of ours holds back; `as`: the identifier it gives itself. */
  async raw(clientId: string, as = clientId, more: Partial<ConnectOptions> = {}): Promise<Client> {
    const env: Readonly<Record<string, string | undefined>> = await this.broker.environmentOf(clientId)
    const { MQTT_TLS_CLIENT_CERT: cert, MQTT_TLS_CLIENT_KEY: key, MQTT_USERNAME: username } = env
    const secret = env['MQTT_JWT_SECRET']
    const permissions = permissionsOf(clientId).map((entry) => entry.replaceAll('%c', clientId))
    const lifetimeSeconds = 300
    const token = secret && (await signToken({ sub: clientId, permissions, lifetimeSeconds }, secret))
    return createClient({
      url: env['MQTT_BROKER_URL'] as string,
      clientId: as,
      protocolVersion: this.broker.capabilities.protocolVersion,
      tls: { ca: env['MQTT_TLS_CA_CERT'], cert, key },
      credentials: username === 'none' ? {} : { username: clientId, password: token },
      reconnect: false,
      onBackgroundError: () => {},
      ...more,
    })
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.#buses.values()].map(async (bus) => (await bus).close({ drain: false })),
    )
    await Promise.all(this.parts.map((part) => part.stop()))
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** `MQTT_*` of a client of the cast. */
  async environmentOf(clientId: string): Promise<Record<string, string>> {
    return {
      ...this.#env,
      ...(await this.broker.environmentOf(clientId)),
      MQTT_CLIENT_ID: clientId,
      MQTT_PERMISSIONS: permissionsOf(clientId).join(','),
    }
  }

  async #connect(clientId: string): Promise<Bus> {
    return connectBus(configFromEnvironment(await this.environmentOf(clientId), { cwd: this.folder }))
  }
}

/** Has an action of a text of its own judged; rejects where no answer comes in time. */
export function ask(bus: Bus, action: string, timeoutMs = 10_000) {
  return bus.request(topics.conscience.evaluate, { action }, { timeoutMs })
}
