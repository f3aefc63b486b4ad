import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { Decoder, encode, type Packet, type ProtocolVersion, Writer } from '@jamey/protocol'
import { onTestFinished } from 'vitest'
import type { AttackedSystem } from './system.js'

/** A client that writes what it likes and, once it has subscribed, reads nothing from its socket any more. */
export class MuteClient {
  readonly #socket: TLSSocket
  readonly #version: ProtocolVersion
  #packetIdentifier = 0

  private constructor(socket: TLSSocket, version: ProtocolVersion) {
    this.#socket = socket
    this.#version = version
  }

  static async connect(
    system: AttackedSystem,
    clientId: string,
    permissions: readonly string[],
    version: ProtocolVersion,
  ): Promise<MuteClient> {
    const { hostname: host, port } = new URL(system.url)
    const socket = connect({ host, port: Number(port), ca: system.ca })
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    const client = new MuteClient(socket, version)
    const password = Buffer.from(await system.token(clientId, permissions))
    client.#write({
      type: 'connect',
      protocolVersion: version,
      clientId,
      cleanStart: true,
      keepAlive: 0,
      username: clientId,
      password,
      will: undefined,
      properties: undefined,
    })
    const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    client.#write({
      type: 'subscribe',
      packetIdentifier: client.#next(),
      subscriptions: [{ filter: `jamey/api/responses/${clientId}/#`, ...options }],
      properties: undefined,
    })
    await client.#subscribed()
    return client
  }

  /** Publishes at QoS 1, and hears of nothing. */
  say(topic: string, payload: string): void {
    this.#write({
      type: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: false,
      dup: false,
      packetIdentifier: this.#next(),
      properties: undefined,
    })
  }

  /** Resolves with SUBACK, which may come in one piece with CONNACK; whatever comes later stays where it is. */
  async #subscribed(): Promise<void> {
    const decoder = new Decoder({ from: 'server', protocolVersion: this.#version })
    for (;;) {
      const chunk: Buffer | null = this.#socket.read()
      if (chunk === null) await once(this.#socket, 'readable')
      else decoder.push(chunk)
      for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
        if (packet.type === 'suback') return
      }
    }
  }

  #next(): number {
    this.#packetIdentifier += 1
    return this.#packetIdentifier
  }

  #write(packet: Packet): void {
    const writer = new Writer()
    encode(writer, packet, this.#version)
    for (const chunk of writer.take()) this.#socket.write(chunk)
  }
}
