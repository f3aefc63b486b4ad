import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** MQTT 3.1.1, clean session, no client identifier of its own; keep alive as given, in seconds. */
function connectPacket(keepAlive: number): Buffer {
  return Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, keepAlive >> 8, keepAlive & 0xff, 0, 0])
}
const ACCEPTED = '20020000'
const PINGREQ = Buffer.from([0xc0, 0])
const PINGRESP = 'd000'

/** The least that a client can be, so that hundreds of them cost a test nothing. */
export class PlainClient {
  readonly socket: Socket
  readonly closed: Promise<unknown>

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = once(socket, 'close')
  }

  /** Connected to the port, and silent. */
  static async open(port: number): Promise<PlainClient> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    return new PlainClient(socket)
  }

  /** Undefined where the server closes, or refuses, instead of letting it in. */
  static async connect(port: number, keepAlive = 0): Promise<PlainClient | undefined> {
    const client = await PlainClient.open(port)
    client.socket.write(connectPacket(keepAlive))
    if ((await client.answer()) === ACCEPTED) return client
    client.socket.destroy()
    return undefined
  }

  /** Whether somebody can connect there, at once and for a moment. */
  static async isThere(port: number): Promise<boolean> {
    const client = await PlainClient.connect(port).catch(() => undefined)
    client?.socket.destroy()
    return client !== undefined
  }

  /** Whether the server answers a PINGREQ; false: it has closed. */
  async isServed(): Promise<boolean> {
    if (this.socket.destroyed) return false
    this.socket.write(PINGREQ)
    return (await this.answer()) === PINGRESP
  }

  /** The next bytes, as hexadecimal digits; undefined when the server closes. */
  async answer(): Promise<string | undefined> {
    const bytes = once(this.socket, 'data').then(([chunk]) => (chunk as Buffer).toString('hex'))
    return Promise.race([bytes, this.closed.then(() => undefined)])
  }
}
