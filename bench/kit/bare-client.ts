import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { type ConnectProperties, encode, type Packet, type QoS, Writer } from '@jamey/protocol'
import { Acceptor } from './acceptor.js'
import { Blaster, type BlasterOptions } from './blaster.js'
import { FrameScanner } from './frame-scanner.js'

const PUBLISH = 3
const PUBREL = 6
const OF_BLASTER = 7
const CONNACK = 2
const SUBACK = 9
const REFUSED_FROM = 0x80
const SUBSCRIPTION_OPTIONS = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
const NO_SESSION: ConnectProperties = {}
/** By authority: reading its certificate anew would be most of what a connect costs here. */
const CONTEXTS = new Map<string, SecureContext>()

export interface BareClientOptions {
  readonly port: number
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  /** PEM; TLS 1.3 where it is given. */
  readonly ca?: string | undefined
  /** Resumes a session and leaves it behind; anew without. */
  readonly isPersistent?: boolean
  /** Looks at each message in place of `acceptor`, which then knows nothing of it. */
  readonly onMessage?: (bytes: Buffer, at: number, bodyAt: number, size: number) => boolean
}

/**
 * No client, but the least that a server takes for one: frames encoded beforehand, found by their length, counted and
 * acknowledged with one write per chunk. So it costs less than whatever is measured with it.
 */
export class BareClient {
  readonly acceptor: Acceptor
  /** After every chunk, when what it brought was counted and answered. */
  onTurn: () => void = () => {}
  readonly #socket: Socket
  readonly #options: BareClientOptions
  readonly #scanner = new FrameScanner(this)
  #blaster: Blaster | undefined
  #onAnswer: ((refusal: number) => void) | undefined
  #isEnding = false

  private constructor(socket: Socket, options: BareClientOptions) {
    this.#socket = socket
    this.#options = options
    this.acceptor = new Acceptor(socket)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#scanner.push(chunk)
      this.acceptor.flush()
      this.#blaster?.fill()
      this.onTurn()
    })
    socket.on('drain', () => this.onTurn())
    socket.on('error', (error) => {
      if (!this.#isEnding) throw error
    })
    socket.on('close', () => {
      if (!this.#isEnding) throw new Error(`${options.clientId}: the server has hung up`)
    })
  }

  static async connect(options: BareClientOptions): Promise<BareClient> {
    const { port, ca, clientId, protocolVersion, isPersistent = false } = options
    const host = '127.0.0.1'
    const socket =
      ca === undefined ? connectSocket(port, host) : connectTls({ port, host, secureContext: contextOf(ca) })
    await once(socket, ca === undefined ? 'connect' : 'secureConnect')
    const client = new BareClient(socket, options)
    await client.#ask({
      type: 'connect',
      protocolVersion,
      cleanStart: !isPersistent,
      keepAlive: 0,
      clientId,
      will: undefined,
      username: undefined,
      password: undefined,
      properties: isPersistent ? { sessionExpiryInterval: 3600 } : NO_SESSION,
    })
    return client
  }

  get blaster(): Blaster | undefined {
    return this.#blaster
  }

  /** Resolves when the server has taken them all. */
  subscribe(filters: readonly string[], qos: QoS): Promise<void> {
    const subscriptions = filters.map((filter) => ({ filter, qos, ...SUBSCRIPTION_OPTIONS }))
    return this.#ask({ type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined })
  }

  /** Begins with `fill` of what it returns. */
  publish(options: Omit<BlasterOptions, 'socket'>): Blaster {
    this.#blaster?.stop()
    this.#blaster = new Blaster({ socket: this.#socket, ...options })
    return this.#blaster
  }

  /** One packet outside of any count. */
  send(packet: Packet): void {
    const writer = new Writer()
    encode(writer, packet, this.#options.protocolVersion)
    for (const bytes of writer.take()) this.#socket.write(bytes)
  }

  async close(): Promise<void> {
    this.#isEnding = true
    if (this.#socket.destroyed) return
    const closed = once(this.#socket, 'close')
    this.#socket.end()
    await closed
  }

  /** Without a goodbye. */
  destroy(): void {
    this.#isEnding = true
    this.#socket.destroy()
  }

  /** Called by the scanner. */
  onFrame(bytes: Buffer, at: number, bodyAt: number, size: number): void {
    const type = (bytes[at] as number) >> 4
    if (type === PUBLISH) {
      if (this.#options.onMessage?.(bytes, at, bodyAt, size) !== true)
        this.acceptor.onPublish(bytes, at, bodyAt, size)
    } else if (type === PUBREL) this.acceptor.onPubrel(bytes, bodyAt)
    else if (type > PUBLISH && type <= OF_BLASTER) this.#blaster?.onAcknowledgement(bytes, at, bodyAt, size)
    else if (type === CONNACK) this.#answer(bytes[bodyAt + 1] as number)
    else if (type === SUBACK) this.#answer(bytes[at + size - 1] as number)
    else throw new Error(`${this.#options.clientId}: the server sends packet type ${type}`)
  }

  #answer(code: number): void {
    this.#onAnswer?.(code)
  }

  #ask(packet: Packet): Promise<void> {
    const { clientId } = this.#options
    const isRefused = (code: number): boolean =>
      packet.type === 'connect' ? code !== 0 : code >= REFUSED_FROM
    return new Promise((resolve, reject) => {
      this.#onAnswer = (code) => {
        this.#onAnswer = undefined
        if (isRefused(code)) reject(new Error(`${clientId}: ${packet.type} was refused with ${code}`))
        else resolve()
      }
      this.send(packet)
    })
  }
}

function contextOf(ca: string): SecureContext {
  let context = CONTEXTS.get(ca)
  if (context === undefined) {
    context = createSecureContext({ ca, minVersion: 'TLSv1.3' })
    CONTEXTS.set(ca, context)
  }
  return context
}
