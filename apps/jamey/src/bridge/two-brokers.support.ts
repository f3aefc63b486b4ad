import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, type BrokerOptions, createBroker, type Identity } from '@jamey/broker'
import { type Client, type ConnectOptions, connect, type Message } from '@jamey/mqtt'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { Bridge } from './bridge.js'
import type { Carried } from './routes.js'
import type { BridgeSettings } from './settings.js'

export const SILENT = pino({ level: 'silent' })

/** Everybody may do everything, and `bridge` speak for others. */
async function authenticate({ clientId }: { clientId: string }): Promise<Identity> {
  return {
    username: clientId,
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => true,
    actsFor: clientId === 'gateway' ? ['+'] : [],
    relays: clientId.startsWith('bridge') ? ['+'] : [],
  }
}

/** A broker that can end and come back at its port. */
export class TestBroker {
  readonly port: number
  readonly #options: Partial<BrokerOptions>
  #broker: Broker

  private constructor(broker: Broker, options: Partial<BrokerOptions>) {
    this.#broker = broker
    this.#options = options
    this.port = broker.addresses[0]?.port ?? 0
  }

  static async start(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
    const started = new TestBroker(await begin(options, 0), options)
    onTestFinished(() => started.end())
    return started
  }

  async end(): Promise<void> {
    await this.#broker.close({ graceMs: 0 })
  }

  async resume(): Promise<void> {
    this.#broker = await begin(this.#options, this.port)
  }

  async client(clientId: string, options: ConnectOptions = {}): Promise<Client> {
    const client = await connect({ url: `mqtt://127.0.0.1:${this.port}`, clientId, ...options })
    onTestFinished(async () => void (await client.close({ drain: false })))
    return client
  }
}

async function begin(options: Partial<BrokerOptions>, port: number): Promise<Broker> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port, insecure: true }],
    authenticator: { authenticate },
    stampSenders: ['jamey/#'],
    ...options,
  })
  await broker.listen()
  return broker
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-bridge-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const carried = (from: 0 | 1, filter: string, more: Partial<Carried> = {}): Carried => {
  return { from, filter, qos: undefined, retained: [], where: 'carry[0]', ...more }
}

export interface Setting {
  readonly ports: readonly [number, number]
  readonly carried: readonly Carried[]
  readonly relays?: readonly string[]
  readonly folder?: string
  readonly limits?: Partial<BridgeSettings['limits']>
  readonly names?: readonly [string, string]
  readonly clientId?: string
  readonly versions?: readonly [4 | 5 | 'auto', 4 | 5 | 'auto']
}

export function settingsOf(setting: Setting): BridgeSettings {
  const { ports, relays = ['+'], limits = {}, versions = ['auto', 'auto'] } = setting
  const { names = ['ours', 'cluster'], clientId = 'bridge' } = setting
  const side = (at: 0 | 1) => ({
    name: names[at],
    config: {
      url: `mqtt://127.0.0.1:${ports[at]}`,
      clientId,
      permissions: [],
      insecure: true,
      username: false as const,
      protocolVersion: versions[at],
    },
  })
  return {
    sides: [side(0), side(1)],
    carried: setting.carried,
    relays,
    outboxFolder: join(setting.folder ?? newFolder(), 'outbox'),
    limits: { messages: 1000, bytes: 2 ** 30, receiveMaximum: 50, ...limits },
    sessionExpirySeconds: 3600,
    healthPort: undefined,
  }
}

/** A bridge that carries; stopped after the test. */
export async function bridged(setting: Setting): Promise<Bridge> {
  const bridge = await Bridge.open(settingsOf(setting), SILENT)
  onTestFinished(() => bridge.stop())
  await bridge.start()
  return bridge
}

/** What a client hears, as `topic=payload`, with all that the broker tells. */
export async function listen(client: Client, filter: string, qos: 0 | 1 | 2 = 2): Promise<Message[]> {
  const heard: Message[] = []
  await client.subscribe(filter, { qos, retainAsPublished: true }, (message) => {
    heard.push({ ...message, payload: Uint8Array.from(message.payload) })
  })
  return heard
}

export const told = ({ topic, payload, qos, retain }: Message): string =>
  `${topic}=${Buffer.from(payload)} q${qos}${retain ? ' retained' : ''}`
