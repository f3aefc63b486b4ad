import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  type Connack,
  type Connect,
  Decoder,
  encode,
  type Packet,
  type ProtocolVersion,
  type Publish,
  Writer,
} from '@jamey/protocol'
import { publishPacket } from './raw-client.js'

type PacketOf<Name extends Packet['type']> = Extract<Packet, { type: Name }>

/** The reactions of a scripted server, by packet; a packet without one gets no answer. */
export type Script = {
  [Name in Packet['type']]?: (packet: PacketOf<Name>, peer: PeerConnection) => void
}

export interface MqttPeerOptions {
  readonly script?: Script | undefined
  readonly tls?:
    | {
        cert: string
        key: string
        maxVersion?: 'TLSv1.2' | 'TLSv1.3'
        ca?: string
        requestCert?: boolean
        ALPNProtocols?: string[]
        rejectUnauthorized?: boolean
      }
    | undefined
}

/** The server's side of one connection, in the hands of a test. */
export class PeerConnection {
  /** Everything the client sent, in order. */
  readonly received: Packet[] = []
  /** Settles when the socket is closed. */
  readonly closed: Promise<void>
  readonly socket: Socket
  readonly #decoder = new Decoder({ from: 'client' })
  readonly #script: Script
  #isReading = true
  #version: ProtocolVersion = 5
  #watchers: (() => void)[] = []
  #hasClosed = false

  constructor(socket: Socket, script: Script) {
    this.socket = socket
    this.#script = script
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#hasClosed = true
      this.#wake()
    })
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
  }

  get connect(): Connect {
    const first = this.received[0]
    if (first?.type !== 'connect') throw new Error('the client has not sent CONNECT')
    return first
  }

  all<Name extends Packet['type']>(type: Name): PacketOf<Name>[] {
    return this.received.filter((packet): packet is PacketOf<Name> => packet.type === type)
  }

  /** The packet number `index` (from 0) of a type; waits for it. */
  async packet<Name extends Packet['type']>(type: Name, index = 0): Promise<PacketOf<Name>> {
    for (;;) {
      const found = this.all(type)[index]
      if (found !== undefined) return found
      if (this.#hasClosed) throw new Error(`the client hung up before its ${type} number ${index}`)
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  send(...packets: Packet[]): void {
    const writer = new Writer()
    for (const packet of packets) encode(writer, packet, this.#version)
    for (const chunk of writer.take()) this.socket.write(chunk)
  }

  accept(connack: Partial<Omit<Connack, 'type'>> = {}): void {
    this.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined, ...connack })
  }

  /** Sends a message; QoS 0 without an identifier. */
  publish(topic: string, payload: string, more: Partial<Publish> = {}): void {
    this.send(publishPacket(topic, payload, more))
  }

  acknowledge(
    type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
    packetIdentifier: number,
    reasonCode = 0,
  ): void {
    this.send({ type, packetIdentifier, reasonCode, properties: undefined })
  }

  /** Nothing is read from now on, as by a server that hangs. */
  stopReading(): void {
    this.#isReading = false
    this.socket.pause()
  }

  /** Breaks the connection without a word. */
  cut(): void {
    this.socket.destroy()
  }

  #onData(chunk: Buffer): void {
    if (!this.#isReading) return
    this.#decoder.push(chunk)
    for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
      if (packet.type === 'connect') this.#version = packet.protocolVersion
      this.received.push(packet)
      const part = this.#script[packet.type] as ((packet: Packet, peer: PeerConnection) => void) | undefined
      part?.(packet, this)
    }
    this.#wake()
  }

  #wake(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }
}

/** Accepts everybody and everything: the quiet background of a test about something else. */
export const OBLIGING: Script = {
  connect: (_packet, peer) => peer.accept(),
  subscribe: ({ packetIdentifier, subscriptions }, peer) =>
    peer.send({
      type: 'suback',
      packetIdentifier,
      reasonCodes: subscriptions.map(({ qos }) => qos),
      properties: undefined,
    }),
  unsubscribe: ({ packetIdentifier, filters }, peer) =>
    peer.send({
      type: 'unsuback',
      packetIdentifier,
      reasonCodes: filters.map(() => 0),
      properties: undefined,
    }),
  publish: ({ qos, packetIdentifier }, peer) => {
    if (qos === 1) peer.acknowledge('puback', packetIdentifier)
    if (qos === 2) peer.acknowledge('pubrec', packetIdentifier)
  },
  pubrel: ({ packetIdentifier }, peer) => peer.acknowledge('pubcomp', packetIdentifier),
  pubrec: ({ packetIdentifier }, peer) => peer.acknowledge('pubrel', packetIdentifier),
  pingreq: (_packet, peer) => peer.send({ type: 'pingresp' }),
}

/** A server on a free port of 127.0.0.1 that follows a script. */
export class MqttPeer {
  readonly connections: PeerConnection[] = []
  readonly #server: Server
  readonly #isTls: boolean
  #script: Script
  #watchers: (() => void)[] = []

  private constructor(options: MqttPeerOptions) {
    this.#script = options.script ?? OBLIGING
    const onConnection = (socket: Socket): void => this.#onConnection(socket)
    this.#isTls = options.tls !== undefined
    this.#server =
      options.tls === undefined ? createServer(onConnection) : createTlsServer(options.tls, onConnection)
  }

  static async listen(options: MqttPeerOptions = {}): Promise<MqttPeer> {
    const peer = new MqttPeer(options)
    await peer.relisten(0)
    return peer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `${this.#isTls ? 'mqtts' : 'mqtt'}://127.0.0.1:${this.port}`
  }

  /** Connections from now on follow the obliging script, changed where `script` says so. */
  follow(script: Script): void {
    this.#script = { ...OBLIGING, ...script }
  }

  /** The connection number `index`, from 0; waits for it. */
  async connection(index: number): Promise<PeerConnection> {
    while (this.connections.length <= index) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
    return this.connections[index] as PeerConnection
  }

  /** Refuses new connections, and breaks those there are. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.connections) connection.cut()
    await closed
  }

  /** Listens again after `close`, on the port given. */
  relisten(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => resolve())
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #onConnection(socket: Socket): void {
    this.connections.push(new PeerConnection(socket, this.#script))
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }
}
