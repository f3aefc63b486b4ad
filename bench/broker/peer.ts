import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { type ConnectProperties, Decoder, encode, type Packet, Writer } from '@jamey/protocol'

/** One bare connection: packets in a callback, one write per batch out. */
export class Peer {
  readonly socket: Socket
  readonly writer = new Writer()
  readonly #decoder = new Decoder({ from: 'server', protocolVersion: 5 })
  onPacket: (packet: Packet) => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    // Whoever kills a broker hears of it here.
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      this.#decoder.push(chunk)
      for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next())
        this.onPacket(packet)
      this.flush()
    })
  }

  /** With a Session Expiry Interval an earlier session is resumed, else it is started anew. */
  static async open(
    port: number,
    clientId: string,
    properties: ConnectProperties,
    onPacket?: (packet: Packet, peer: Peer) => void,
  ): Promise<Peer> {
    const socket = connectSocket(port, '127.0.0.1')
    await once(socket, 'connect')
    const peer = new Peer(socket)
    const asked = peer.ask({
      type: 'connect',
      protocolVersion: 5,
      cleanStart: properties.sessionExpiryInterval === undefined,
      keepAlive: 0,
      clientId,
      will: undefined,
      username: undefined,
      password: undefined,
      properties,
    })
    // What waited for the session may come with CONNACK.
    const answered = peer.onPacket
    peer.onPacket = (packet) => {
      answered(packet)
      peer.onPacket = onPacket === undefined ? () => {} : (next) => onPacket(next, peer)
    }
    await asked
    return peer
  }

  ask(packet: Packet): Promise<Packet> {
    encode(this.writer, packet, 5)
    this.flush()
    return new Promise((resolve) => {
      this.onPacket = resolve
    })
  }

  /** Reads no packets any more. */
  countBytes(onBytes: (bytes: number) => void): void {
    this.socket.removeAllListeners('data')
    this.socket.on('data', (chunk) => onBytes(chunk.length))
  }

  flush(): void {
    for (const chunk of this.writer.take()) this.socket.write(chunk)
  }
}
