import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { signToken, tokenAuthenticator } from '@jamey/auth'
import { type Broker, createBroker } from '@jamey/broker'
import { type Bus, connectBus } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { type Client, connect } from '@jamey/mqtt'
import { createGateway, type Gateway } from '../service/gateway.js'
import { SECRET } from '../service/gateway.support.js'
import type { GatewayOptions } from '../service/options.js'

/** What `jamey up` gives its gateway besides. */
export const WIDE = ['subscribe:#', 'publish:#']

/** A broker, a client of it, and a gateway with a bus of its own; all of them end with `stop`. */
export interface LiveFixture {
  readonly broker: Broker
  readonly bus: Bus
  readonly gateway: Gateway
  readonly url: string
  /** Of the broker. */
  readonly brokerUrl: string
  readonly port: number
  client(clientId: string, permissions?: readonly string[]): Promise<Client>
  stop(): Promise<void>
}

export interface LiveFixtureOptions {
  /** Permissions of the gateway besides those of its component. */
  readonly more?: readonly string[]
  readonly protocolVersion?: 4 | 5
  /** Of the broker; what is ours by default. */
  readonly stampSenders?: readonly string[]
  readonly gateway?: Partial<GatewayOptions>
}

export async function startLive(options: LiveFixtureOptions = {}): Promise<LiveFixture> {
  const { more = WIDE, protocolVersion = 5 } = options
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: tokenAuthenticator({ secret: SECRET }),
    stampSenders: [...(options.stampSenders ?? ['jamey/#'])],
    limits: { sysIntervalSeconds: 0 },
  })
  await broker.listen()
  const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
  const { clientId, permissions } = COMPONENTS.gateway
  const bus = await connectBus({
    url,
    insecure: true,
    clientId,
    permissions: [...permissions, ...more],
    jwtSecret: SECRET,
    protocolVersion,
    // What a test counts is what it brought about, however long it takes.
    heartbeatSeconds: 0,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  })
  const gateway = createGateway({ port: 0, tokenSecret: SECRET, ...options.gateway, bus })
  await gateway.start()
  const clients: Client[] = []
  return {
    broker,
    bus,
    gateway,
    url: gateway.url ?? '',
    brokerUrl: url,
    port: Number(new URL(gateway.url ?? '').port),
    async client(name, rights = ['#']) {
      const password = await signToken({ sub: name, permissions: rights }, SECRET)
      const credentials = { username: name, password }
      const client = await connect({ url, clientId: name, protocolVersion, credentials })
      clients.push(client)
      return client
    },
    async stop() {
      await gateway.stop({ graceMs: 1_000 })
      for (const client of clients) await client.close({ drain: false })
      await bus.close({ timeoutMs: 1_000 })
      await broker.close({ graceMs: 100 })
    },
  }
}

export interface StreamedEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Record<string, unknown>
}

/** A stream of events that is read as it comes. */
export class OpenStream {
  readonly events: StreamedEvent[] = []
  text = ''
  isOver = false
  readonly response: IncomingMessage
  readonly request: ClientRequest

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.request = request
    this.response = response
    response.setEncoding('utf8')
    let rest = ''
    response.on('data', (chunk: string) => {
      this.text += chunk
      rest += chunk
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) this.#read(block)
    })
    response.on('close', () => {
      this.isOver = true
    })
    response.on('error', () => {})
  }

  of(event: string): Record<string, unknown>[] {
    return this.events.filter((each) => each.event === event).map(({ data }) => data)
  }

  get topics(): unknown[] {
    return this.of('message').map(({ topic }) => topic)
  }

  close(): void {
    this.request.destroy()
  }

  #read(block: string): void {
    const field = (name: string) =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2)
    const event = field('event')
    if (event === undefined) return
    this.events.push({ event, id: field('id'), data: JSON.parse(field('data') ?? '{}') })
  }
}

/** Opens a stream; rejects with status and body where it is refused. */
export function openStream(
  url: string,
  filters: readonly string[],
  headers: Record<string, string> = {},
): Promise<OpenStream> {
  const query = filters.map((filter) => `filter=${encodeURIComponent(filter)}`).join('&')
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}/v1/events?${query}`, { headers, agent: false })
    request.on('response', (response) => {
      if (response.statusCode === 200) {
        resolve(new OpenStream(request, response))
        return
      }
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk
      })
      response.on('end', () => reject(Object.assign(new Error(text), { status: response.statusCode })))
    })
    request.on('error', reject)
    request.end()
  })
}

export async function bearer(
  sub: string,
  permissions: readonly string[],
  more: { lifetimeSeconds?: number; jti?: string; now?: () => number } = {},
): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await signToken({ sub, permissions, ...more }, SECRET)}` }
}
