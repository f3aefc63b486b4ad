import { randomUUID } from 'node:crypto'
import { signToken } from '@jamey/auth'
import { type ConnectOptions, connect } from '@jamey/mqtt'
import { onTestFinished } from 'vitest'
import { removeFolder, type System, secretsOf, startSystem } from '../e2e/program.js'
import { Peer } from './peer.js'

export const VERSIONS = [5, 4] as const
export type Version = (typeof VERSIONS)[number]

/** All that an ordinary client needs to have its actions judged. */
export const ASKING = ['publish:jamey/conscience/evaluate']
/** All that an ordinary client needs to store, recall and forget what is its own. */
export const REMEMBERING = [
  'publish:jamey/memory/store',
  'publish:jamey/memory/query',
  'publish:jamey/memory/update',
  'publish:jamey/memory/forget',
]

export interface Json {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: every shape that the API answers with, true or forged
  readonly body: any
}

/** `jamey up` with its defaults, as whoever attacks it finds it: through its ports alone. */
export class AttackedSystem {
  readonly #system: System
  readonly #secrets: { ca: string; secret: string }

  private constructor(system: System) {
    this.#system = system
    this.#secrets = secretsOf(system.folder)
  }

  static async start(): Promise<AttackedSystem> {
    return new AttackedSystem(await startSystem())
  }

  get folder(): string {
    return this.#system.folder
  }

  get http(): string {
    return this.#system.http
  }

  get url(): string {
    return `mqtts://127.0.0.1:${this.#system.port}`
  }

  get ca(): string {
    return this.#secrets.ca
  }

  /** What it printed so far. */
  get output(): string {
    return this.#system.program.stdout + this.#system.program.stderr
  }

  /** A token as whoever runs the system makes it for one client. */
  token(sub: string, permissions: readonly string[], options: { now?: () => number } = {}): Promise<string> {
    return signToken({ sub, permissions, ...options }, this.#secrets.secret)
  }

  /** A client of its own identifier and rights; no two scenes share one. */
  async peer(
    name: string,
    permissions: readonly string[],
    version: Version = 5,
    options: ConnectOptions = {},
  ): Promise<Peer> {
    const clientId = `${name}-${randomUUID().slice(0, 8)}`
    return this.peerNamed(clientId, permissions, version, options)
  }

  async peerNamed(
    clientId: string,
    permissions: readonly string[],
    version: Version = 5,
    options: ConnectOptions = {},
  ): Promise<Peer> {
    const client = await connect({
      url: this.url,
      clientId,
      protocolVersion: version,
      tls: { ca: this.ca },
      credentials: { username: clientId, password: await this.token(clientId, permissions) },
      reconnect: false,
      ...options,
    })
    onTestFinished(() => client.close({ drain: false, timeoutMs: 1000 }).then(() => {}))
    return Peer.over(client, clientId)
  }

  /**
   * Whether the server takes a message of `peer`. MQTT 5.0 tells by the reason code; MQTT 3.1.1 has no way to say no, so
   * there somebody who may read everything, or the owner of the inbox, looks whether it came. What one connection
   * publishes is routed in order, so nothing of it comes after the acknowledgement.
   */
  async takes(peer: Peer, topic: string, payload = '{}', retain = false): Promise<boolean> {
    if (peer.version === 5) return (await peer.say(topic, payload, {}, retain)) < 0x80
    const owner = /^jamey\/api\/responses\/([^/]+)/.exec(topic)?.[1]
    const reader = owner === undefined ? await this.peer('reader', ['#']) : await this.peerNamed(owner, ['#'])
    await reader.hear('#')
    await peer.say(topic, payload, {}, retain)
    await reader.settle()
    await reader.leave()
    return reader.received.some(
      (message) => message.topic === topic && Buffer.from(message.payload).toString() === payload,
    )
  }

  /** Ends the connection as no DISCONNECT does, so that its will is published: by taking the session over. [MQTT-3.1.4-3] */
  async vanish(peer: Peer): Promise<void> {
    await (await this.peerNamed(peer.clientId, [])).leave()
  }

  /** A call, and the JSON of its answer. */
  async json(path: string, token: string | undefined, init: RequestInit = {}): Promise<Json> {
    const response = await this.call(path, token, init)
    return { status: response.status, body: (await response.json()) as Json['body'] }
  }

  async call(path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    if (init.body !== undefined && !headers.has('content-type')) {
      headers.set('content-type', 'application/json')
    }
    return fetch(`${this.http}${path}`, { ...init, headers })
  }

  async stop(): Promise<void> {
    await this.#system.program.stop()
    removeFolder(this.#system.folder)
  }
}
