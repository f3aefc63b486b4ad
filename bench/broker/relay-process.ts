import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Decoder, encode, type Packet, Writer } from '@jamey/protocol'
import { Acceptor } from '../kit/acceptor.js'
import type { BrokerJob } from '../kit/brokers.js'
import { FrameScanner } from '../kit/frame-scanner.js'
import { takeJob, tell } from '../kit/role.js'

/**
 * No broker: what one publisher sends goes to all others byte for byte, and is acknowledged. It decodes nothing and
 * routes nothing, so what comes through it is the bound of what the load generator and this machine's sockets can do.
 */

const PUBLISH = 3

const subscribers = new Set<Socket>()

class RelayConnection {
  readonly #socket: Socket
  readonly #scanner = new FrameScanner(this)
  readonly #acceptor: Acceptor
  readonly #decoder = new Decoder({ from: 'client' })
  #isPublisher = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#acceptor = new Acceptor(socket)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      // Who publishes has said all else before, so a chunk begins with it, be it the first part of a large one.
      this.#isPublisher ||= (chunk[0] as number) >> 4 === PUBLISH
      this.#scanner.push(chunk)
      this.#acceptor.flush()
      if (this.#isPublisher) this.#relay(chunk)
    })
    socket.on('error', () => {})
    socket.on('close', () => subscribers.delete(socket))
  }

  onFrame(bytes: Buffer, at: number, bodyAt: number, size: number): void {
    const type = (bytes[at] as number) >> 4
    if (type === PUBLISH) this.#acceptor.onPublish(bytes, at, bodyAt, size)
    else if (!this.#isPublisher && type !== 4) this.#onPacket(bytes.subarray(at, at + size))
  }

  #onPacket(bytes: Buffer): void {
    this.#decoder.push(bytes)
    const packet = this.#decoder.next()
    if (packet?.type === 'connect') {
      this.#send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined })
    } else if (packet?.type === 'subscribe') {
      subscribers.add(this.#socket)
      const { packetIdentifier, subscriptions } = packet
      const reasonCodes = subscriptions.map(({ qos }) => qos)
      this.#send({ type: 'suback', packetIdentifier, reasonCodes, properties: undefined })
    }
  }

  #relay(chunk: Buffer): void {
    for (const subscriber of subscribers) subscriber.write(chunk)
  }

  #send(packet: Packet): void {
    const writer = new Writer()
    encode(writer, packet, 5)
    for (const bytes of writer.take()) this.#socket.write(bytes)
  }
}

const { certificates } = await takeJob<BrokerJob>()
const onConnection = (socket: Socket): void => void new RelayConnection(socket)
const server =
  certificates === undefined
    ? createServer(onConnection)
    : createTlsServer({ ...certificates, minVersion: 'TLSv1.3' }, onConnection)
server.listen(0, '127.0.0.1', () => void tell({ port: (server.address() as AddressInfo).port }))
