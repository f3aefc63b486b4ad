import { Decoder, encode, type Packet, type Publish, Writer } from '@jamey/protocol'
import type { MemoryLink } from '@jamey/testing'

interface Outgoing {
  readonly payload: string
  readonly qos: 1 | 2
  packetIdentifier: number
  stage: 'queued' | 'published' | 'released'
}

const OUR_RECEIVE_MAXIMUM = 3

/**
 * A server that does what the standard says about QoS 1 and 2 (section 4.3) and nothing else, over a link whose bytes
 * a test moves. Throws where the client breaks the rules.
 */
export class ModelServer {
  /** What reached the application behind the server, in order. */
  readonly arrived: string[] = []
  /** Messages for the client that went down with a session, or came while it was not subscribed. */
  readonly lost: string[] = []
  /** Messages that the server had taken when it lost the session, but may not have told the client so. */
  readonly inDoubt: string[] = []
  readonly #clientReceiveMaximum: number
  /** The session. */
  #hasSession = false
  #isSubscribed = false
  #received = new Map<number, string>()
  #outgoing: Outgoing[] = []
  /** The connection. */
  #link: MemoryLink | undefined
  #decoder = new Decoder({ from: 'client' })

  constructor(clientReceiveMaximum: number) {
    this.#clientReceiveMaximum = clientReceiveMaximum
  }

  /** Whether every exchange is complete and every identifier free. */
  get isIdle(): boolean {
    return this.#received.size === 0 && this.#outgoing.length === 0
  }

  /** Reads `bytes` of what the client wrote on its newest connection. */
  read(link: MemoryLink, bytes: number): void {
    if (link !== this.#link) {
      this.#link = link
      this.#decoder = new Decoder({ from: 'client' })
    }
    this.#decoder.push(link.readAsServer(bytes))
    for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
      this.#onPacket(packet)
    }
  }

  /** Someone published to the client. */
  serve(payload: string, qos: 1 | 2): void {
    if (!this.#isSubscribed) {
      this.lost.push(payload)
      return
    }
    this.#outgoing.push({ payload, qos, packetIdentifier: 0, stage: 'queued' })
    this.#pump()
  }

  /** As after a crash without a disk. */
  loseSession(): void {
    this.#hasSession = this.#isSubscribed = false
    this.lost.push(...this.#outgoing.map(({ payload }) => payload))
    this.inDoubt.push(...this.#received.values())
    this.#outgoing = []
    this.#received.clear()
  }

  #onPacket(packet: Packet): void {
    switch (packet.type) {
      case 'connect':
        return this.#onConnect(packet.cleanStart)
      case 'subscribe':
        this.#isSubscribed = true
        return this.#send({
          type: 'suback',
          packetIdentifier: packet.packetIdentifier,
          reasonCodes: packet.subscriptions.map(({ qos }) => qos),
          properties: undefined,
        })
      case 'publish':
        return this.#onPublish(packet)
      case 'pubrel': {
        const isKnown = this.#received.delete(packet.packetIdentifier)
        return this.#acknowledge('pubcomp', packet.packetIdentifier, isKnown ? 0 : 0x92)
      }
      case 'puback':
      case 'pubcomp':
        this.#outgoing = this.#outgoing.filter(
          ({ stage, packetIdentifier }) => stage === 'queued' || packetIdentifier !== packet.packetIdentifier,
        )
        return this.#pump()
      case 'pubrec': {
        const message = this.#outgoing.find(
          ({ stage, packetIdentifier }) => stage !== 'queued' && packetIdentifier === packet.packetIdentifier,
        )
        if (message === undefined) return this.#acknowledge('pubrel', packet.packetIdentifier, 0x92)
        if (packet.reasonCode >= 0x80) throw new Error('the client refused a message')
        message.stage = 'released'
        return this.#acknowledge('pubrel', packet.packetIdentifier, 0)
      }
      case 'disconnect':
        return
      default:
        throw new Error(`the client sent ${packet.type}`)
    }
  }

  #onConnect(cleanStart: boolean): void {
    if (this.#hasSession && cleanStart) this.loseSession()
    const sessionPresent = this.#hasSession
    this.#hasSession = true
    const properties = { receiveMaximum: OUR_RECEIVE_MAXIMUM }
    this.#send({ type: 'connack', sessionPresent, reasonCode: 0, properties })
    // [MQTT-4.4.0-1], in the original order [MQTT-4.6.0-1].
    for (const message of this.#outgoing) {
      if (message.stage === 'published') this.#publish(message, true)
      if (message.stage === 'released') this.#acknowledge('pubrel', message.packetIdentifier, 0)
    }
    this.#pump()
  }

  #onPublish({ qos, packetIdentifier, payload: bytes, dup }: Publish): void {
    const payload = Buffer.from(bytes).toString()
    if (qos === 1) {
      this.arrived.push(payload)
      return this.#acknowledge('puback', packetIdentifier, 0)
    }
    const known = this.#received.get(packetIdentifier)
    if (known !== undefined && (known !== payload || !dup)) {
      throw new Error(`identifier ${packetIdentifier} of ${known} was used again, for ${payload}`)
    }
    if (known === undefined) {
      this.#received.set(packetIdentifier, payload)
      this.arrived.push(payload)
    }
    this.#acknowledge('pubrec', packetIdentifier, 0)
  }

  /** Sends what may be sent; identifiers are used again as soon as they may be. */
  #pump(): void {
    if (this.#link?.isOpen !== true || !this.#hasSession) return
    for (const message of this.#outgoing) {
      if (message.stage !== 'queued') continue
      const used = new Set(
        this.#outgoing.flatMap(({ stage, packetIdentifier }) =>
          stage === 'queued' ? [] : [packetIdentifier],
        ),
      )
      if (used.size >= this.#clientReceiveMaximum) return
      message.packetIdentifier = 1
      while (used.has(message.packetIdentifier)) message.packetIdentifier++
      message.stage = 'published'
      this.#publish(message, false)
    }
  }

  #publish({ payload, qos, packetIdentifier }: Outgoing, dup: boolean): void {
    this.#send({
      type: 'publish',
      topic: 't',
      payload: Buffer.from(payload),
      qos,
      dup,
      retain: false,
      packetIdentifier,
      properties: undefined,
    })
  }

  #acknowledge(
    type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
    packetIdentifier: number,
    reasonCode: number,
  ): void {
    this.#send({ type, packetIdentifier, reasonCode, properties: undefined })
  }

  #send(packet: Packet): void {
    const writer = new Writer()
    encode(writer, packet, 5)
    this.#link?.writeAsServer(writer.take())
  }
}
