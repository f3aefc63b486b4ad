import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import {
  type Connack,
  type Connect,
  Decoder,
  encode,
  type Packet,
  type ProtocolVersion,
  type Publish,
  type QoS,
  type Suback,
  type SubscriptionRequest,
  Writer,
} from '@jamey/protocol'

type PacketOf<Type extends Packet['type']> = Extract<Packet, { type: Type }>

/** A client that says exactly what a test tells it to, packet by packet or byte by byte. */
export class RawClient {
  readonly socket: Socket
  readonly version: ProtocolVersion
  readonly closed: Promise<void>
  readonly #decoder: Decoder
  readonly #packets: Packet[] = []
  readonly #waiting: ((packet: Packet | undefined) => void)[] = []
  #isClosed = false

  constructor(socket: Socket, version: ProtocolVersion) {
    this.socket = socket
    this.version = version
    this.#decoder = new Decoder({ from: 'server', protocolVersion: version })
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.#read(chunk))
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        for (const wake of this.#waiting.splice(0)) wake(undefined)
        resolve()
      })
    })
  }

  static async open(port: number, version: ProtocolVersion = 5): Promise<RawClient> {
    const socket = connectPlain(port, '127.0.0.1')
    await once(socket, 'connect')
    return new RawClient(socket, version)
  }

  /** Opens, sends CONNECT and expects a CONNACK that accepts. */
  static async connect(port: number, connect: Partial<Connect> = {}): Promise<RawClient> {
    const client = await RawClient.open(port, connect.protocolVersion ?? 5)
    const connack = await client.handshake(connect)
    if (connack.reasonCode !== 0) throw new Error(`CONNACK ${connack.reasonCode}`)
    return client
  }

  async handshake(connect: Partial<Connect> = {}): Promise<Connack> {
    this.send(connectPacket({ protocolVersion: this.version, ...connect }))
    return this.expect('connack')
  }

  send(...packets: Packet[]): void {
    const writer = new Writer()
    for (const packet of packets) encode(writer, packet, this.version)
    this.sendBytes(Buffer.concat(writer.take()))
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next packet, whatever it is; undefined once the server has closed. */
  async next(): Promise<Packet | undefined> {
    const packet = this.#packets.shift()
    if (packet !== undefined) return packet
    if (this.#isClosed) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async expect<Type extends Packet['type']>(type: Type): Promise<PacketOf<Type>> {
    const packet = await this.next()
    if (packet?.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(packet)}`)
    return packet as PacketOf<Type>
  }

  /** The next packet of a type; others are passed over. */
  async seek<Type extends Packet['type']>(type: Type): Promise<PacketOf<Type>> {
    for (;;) {
      const packet = await this.next()
      if (packet === undefined) throw new Error(`closed before ${type} came`)
      if (packet.type === type) return packet as PacketOf<Type>
    }
  }

  /** Everything the server sent before it answered a PINGREQ sent now. */
  async settle(): Promise<Packet[]> {
    this.send({ type: 'pingreq' })
    const seen: Packet[] = []
    for (;;) {
      const packet = await this.next()
      if (packet === undefined) throw new Error(`closed after ${JSON.stringify(seen)}`)
      if (packet.type === 'pingresp') return seen
      seen.push(packet)
    }
  }

  /** The topics and payloads of what `settle` brings. */
  async received(): Promise<string[]> {
    const packets = await this.settle()
    return packets.map((packet) => (packet.type === 'publish' ? text(packet) : packet.type))
  }

  async subscribe(
    filters: string | (Partial<SubscriptionRequest> & { filter: string })[],
    qos: QoS = 0,
    subscriptionIdentifier?: number,
  ): Promise<Suback> {
    const requests = typeof filters === 'string' ? [{ filter: filters, qos }] : filters
    this.send({
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions: requests.map((request) => ({
        qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        ...request,
      })),
      properties: subscriptionIdentifier === undefined ? undefined : { subscriptionIdentifier },
    })
    return this.expect('suback')
  }

  publish(topic: string, payload: string, options: Partial<Publish> = {}): void {
    this.send(publishPacket(topic, payload, options))
  }

  /** Publishes with QoS 1 and returns the reason code of the PUBACK. */
  async publishOnce(topic: string, payload: string, options: Partial<Publish> = {}): Promise<number> {
    this.publish(topic, payload, { qos: 1, packetIdentifier: 7, ...options })
    return (await this.expect('puback')).reasonCode
  }

  /** Expects so many publishes of QoS 1, acknowledges each, and gives their payloads. */
  async take(count: number): Promise<string[]> {
    const payloads: string[] = []
    while (payloads.length < count) {
      const publish = await this.expect('publish')
      payloads.push(Buffer.from(publish.payload).toString())
      this.acknowledge(publish)
    }
    return payloads
  }

  acknowledge(publish: Publish): void {
    this.send({
      type: 'puback',
      packetIdentifier: publish.packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    })
  }

  /** Nothing is read from now on. */
  stopReading(): void {
    this.socket.pause()
  }

  /** Says DISCONNECT and waits until the server has closed. */
  async leave(reasonCode = 0): Promise<void> {
    this.send({ type: 'disconnect', reasonCode, properties: undefined })
    await this.closed
  }

  /** Is gone without a word. */
  async vanish(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #read(chunk: Buffer): void {
    this.#decoder.push(chunk)
    for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
      const wake = this.#waiting.shift()
      if (wake !== undefined) wake(packet)
      else this.#packets.push(packet)
    }
  }
}

export function connectPacket(connect: Partial<Connect> = {}): Connect {
  return {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId: '',
    will: undefined,
    username: undefined,
    password: undefined,
    properties: undefined,
    ...connect,
  }
}

export function publishPacket(topic: string, payload: string, options: Partial<Publish> = {}): Publish {
  return {
    type: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: 0,
    properties: undefined,
    ...options,
  }
}

/** `topic=payload`, with the flags a test may care for: `q1`, `retain`, `dup`. */
export function text({ topic, payload, qos, retain, dup }: Publish): string {
  const flags = `${qos > 0 ? ` q${qos}` : ''}${retain ? ' retain' : ''}${dup ? ' dup' : ''}`
  return `${topic}=${Buffer.from(payload).toString()}${flags}`
}
