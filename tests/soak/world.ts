import { AUTHENTICATION_METHOD, TokenSource } from '@jamey/auth'
import {
  type Client,
  type ConnectOptions,
  type Credentials,
  type CredentialsRequest,
  createClient,
} from '@jamey/mqtt'
import { ErrorLog } from './error-log.js'
import { emptyTally, Stream, type Tally } from './ledger.js'

/** How a client reaches the broker: straight, or over a proxy that cuts links, or one that stands still for a while. */
export type Way = 'direct' | 'cut' | 'stall'

export interface WorldOptions {
  readonly ports: Readonly<Record<Way, number>>
  /** PEM; undefined: without TLS and tokens. */
  readonly ca: string | undefined
  readonly secret: string | undefined
  /** For the session stores. */
  readonly folder: string
}

/** What a part of the soak counts, in numbers only. */
export type Counts = Record<string, number>

/** One kind of clients at work. */
export interface Role {
  readonly name: string
  start(): Promise<void>
  /** No new work from now on; what is under way comes to its end. */
  stop(): Promise<void>
  /** Whether everything has arrived that has to. */
  isComplete(): boolean
  /** The last count; closes the clients. */
  finish(): Promise<void>
  readonly counts: Counts
}

/** What the roles share: the way to the broker, streams, errors, tallies. */
export class World {
  readonly options: WorldOptions
  readonly errors = new ErrorLog()
  readonly streams: Stream[] = []
  /** Clients that stay for the whole run, by name. */
  readonly steady = new Map<string, Client>()
  readonly #tallies = new Map<string, Tally>()

  constructor(options: WorldOptions) {
    this.options = options
  }

  get tallies(): Record<string, Tally> {
    return Object.fromEntries(this.#tallies)
  }

  tally(name: string): Tally {
    let tally = this.#tallies.get(name)
    if (tally === undefined) {
      tally = emptyTally()
      this.#tallies.set(name, tally)
    }
    return tally
  }

  stream(qos: 0 | 1 | 2): Stream {
    const stream = new Stream(this.streams.length, qos)
    this.streams.push(stream)
    return stream
  }

  /** A client that is not connected yet. Half of those of MQTT 5 send their token by AUTH, the others as password. */
  client(clientId: string, way: Way, options: ConnectOptions = {}): Client {
    const { ca, ports } = this.options
    const usesMethod = clientId.length % 2 === 0 && options.protocolVersion !== 4
    return createClient({
      url: `${ca === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${ports[way]}`,
      clientId,
      // A direct way that is slow shows in the latency; it is no fault that a busy machine makes it so.
      connectTimeoutMs: way === 'direct' ? 30_000 : 5000,
      pingTimeoutMs: 2000,
      keepAliveSeconds: 5,
      reconnect: { baseDelayMs: 50, maxDelayMs: 1000, failuresBeforeOpen: Number.POSITIVE_INFINITY },
      ...(ca === undefined ? {} : { tls: { ca }, credentials: this.credentials(clientId, usesMethod) }),
      onBackgroundError: (error) => this.errors.note(`in the background of ${kindOf(clientId)}`, error),
      ...options,
    })
  }

  /** One that stays: it must never stop, and never lose its session. */
  async steadyClient(clientId: string, way: Way, options: ConnectOptions = {}): Promise<Client> {
    const client = this.client(clientId, way, { cleanStart: false, waitForConnection: false, ...options })
    this.watch(clientId, client)
    await client.connect()
    return client
  }

  watch(clientId: string, client: Client): void {
    this.steady.set(clientId, client)
    let hasConnected = false
    client.onState(({ state, cause, server }) => {
      if (state === 'error') this.errors.note(`${clientId} stopped`, cause)
      if (server === undefined) return
      if (hasConnected && !server.sessionPresent)
        this.errors.note(clientId, new Error('its session was lost'))
      hasConnected = true
    })
  }

  credentials(clientId: string, usesMethod: boolean): (request: CredentialsRequest) => Promise<Credentials> {
    const source = new TokenSource({
      secret: this.options.secret as string,
      subject: clientId,
      permissions: ['soak/#', ...sharedBy(clientId)],
    })
    return async ({ reason }) => {
      const { token } = await (reason === 'connect' ? source.current() : source.renew())
      if (!usesMethod) return { username: clientId, password: token }
      return { authenticationMethod: AUTHENTICATION_METHOD, authenticationData: token }
    }
  }
}

/** A token holds no more entries than it has bytes for, and each group is a right of its own. */
export const WANDERING_GROUPS = 100

/** The share groups that a client enters. */
function sharedBy(clientId: string): string[] {
  if (clientId !== 'wanderer') return ['subscribe:$share/workers/soak/jobs/#']
  return Array.from({ length: WANDERING_GROUPS }, (_, n) => `subscribe:$share/wanderers-${n}/soak/#`)
}

/** Without what makes it different from its like. */
export function kindOf(clientId: string): string {
  return clientId.replace(/-[0-9a-f]{4,}$/, '')
}

/** Waits. A soak passes in real time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Whether `promise` resolves within the time. */
export async function comesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const isLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([promise.then(() => true), isLate])
  } finally {
    clearTimeout(timer)
  }
}

/** A whole number from `from` to `to`. */
export function chance(from: number, to: number): number {
  return from + Math.floor(Math.random() * (to - from + 1))
}

/** Runs `step` again and again until it is stopped; what it throws is an error of the soak. */
export class Loop {
  readonly #ended: Promise<void>
  #isStopped = false

  constructor(world: World, name: string, step: () => Promise<void>) {
    this.#ended = this.#run(world, name, step)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#ended
  }

  async #run(world: World, name: string, step: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await step()
      } catch (error) {
        world.errors.note(name, error)
        await pause(100)
      }
    }
  }
}
