import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Connect, Decoder, encode, type Packet, Writer } from '@jamey/protocol'

/** A connection that does only what it is told, so that it can behave as badly as it likes. */
export class RawClient {
  readonly #socket: Socket
  readonly #decoder = new Decoder({ from: 'server', protocolVersion: 5 })
  #onPacket: (packet: Packet) => void = () => {}
  readonly ended: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (chunk: Buffer) => {
      this.#decoder.push(chunk)
      for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
        this.#onPacket(packet)
      }
    })
  }

  /** Resolves at CONNACK. */
  static async connect(port: number, ca: string | undefined, packet: Connect): Promise<RawClient> {
    const host = '127.0.0.1'
    const socket =
      ca === undefined ? connectTcp({ port, host }) : connectTls({ port, host, ca, minVersion: 'TLSv1.3' })
    const client = new RawClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once(ca === undefined ? 'connect' : 'secureConnect', resolve)
      socket.once('close', () => reject(new Error('the connection was closed before it stood')))
    })
    client.send(packet)
    const answer = await client.next('connack')
    if (answer.reasonCode !== 0) throw new Error(`CONNACK ${answer.reasonCode}`)
    return client
  }

  send(packet: Packet): void {
    const writer = new Writer()
    encode(writer, packet, 5)
    for (const chunk of writer.take()) this.#socket.write(chunk)
  }

  /** The next packet of a type; others are passed over. */
  next<Name extends Packet['type']>(type: Name): Promise<Extract<Packet, { type: Name }>> {
    return new Promise((resolve, reject) => {
      this.#onPacket = (packet) => {
        if (packet.type === type) resolve(packet as Extract<Packet, { type: Name }>)
      }
      void this.ended.then(() => reject(new Error(`the connection was closed before ${type} came`)))
    })
  }

  /** From now on nothing is read. */
  stopReading(): void {
    this.#socket.pause()
  }

  /** Without a word. */
  vanish(): void {
    this.#socket.destroy()
  }
}
