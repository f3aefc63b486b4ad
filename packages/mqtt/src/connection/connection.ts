import {
  CLIENT_BODIES,
  type ClientPacket,
  encodeAcknowledgement,
  encodeFrom,
  FROM_SERVER,
  type Packet,
  PacketDecoder,
  ProtocolError,
  ReasonCode,
} from '@jamey/protocol'
import { ConnectionError } from '../model/errors.js'
import type { Decoding, Skipped } from '../model/platform.js'
import type { Settings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { Endpoint, TlsMaterial, Transport, TransportListener } from '../model/transport.js'
import { KeepAlive, type KeepAliveListener } from './keep-alive.js'
import { SocketWriter, type SocketWriterListener } from './socket-writer.js'
import { transportError } from './transport-error.js'

/** The owner of a connection. After `onLost` and after `abandon` it is told nothing more. */
export interface ConnectionListener {
  onOpen(connection: Connection): void
  onPacket(connection: Connection, packet: Packet | Skipped): void
  onWritable(connection: Connection): void
  /** Exactly once, unless abandoned before. */
  onLost(connection: Connection, error: Error): void
}

/** Time that a closing connection waits for the other side to hang up. */
const HANG_UP_MS = 1000
/** Responses that a server may leave unread; beyond that nothing more is read of it. */
const UNREAD_RESPONSE_BYTES = 1_048_576

/** One network connection: bytes in, packets out, and the other way round. It knows no session and no state. */
export class Connection implements TransportListener, SocketWriterListener, KeepAliveListener {
  readonly output: SocketWriter
  readonly endpoint: Endpoint
  readonly protocolVersion: 4 | 5
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #transport: Transport
  readonly #decoder: Decoding
  #listener: ConnectionListener | undefined
  #keepAlive: KeepAlive | undefined
  /** True where something came in since keep-alive last looked. */
  hasReceived = false
  /** Nothing is read, because the server does not read our responses. */
  #isPaused = false
  /** DISCONNECT waits in the output, because the socket is full. */
  #isDisconnectWaiting = false
  #hangUpTimer: unknown
  #onGone: (() => void) | undefined

  constructor(
    settings: Settings,
    counters: Counters,
    endpoint: Endpoint,
    protocolVersion: 4 | 5,
    tls: TlsMaterial,
    listener: ConnectionListener,
  ) {
    this.#settings = settings
    this.#counters = counters
    this.endpoint = endpoint
    this.protocolVersion = protocolVersion
    this.#listener = listener
    this.#transport = settings.transport(endpoint, tls)
    const { platform } = settings
    const decoder = new PacketDecoder(FROM_SERVER, {
      protocolVersion,
      maximumPacketBytes: settings.maximumPacketBytes,
      propertyMemory: platform.propertyMemory?.(),
    })
    this.#decoder = platform.skipping?.(decoder, settings, counters) ?? decoder
    this.output = new SocketWriter(this.#transport, settings.clock, settings.writeTimeoutMs, this, counters)
  }

  open(): void {
    this.#transport.open(this)
  }

  /** Throws `ProtocolError` 'invalid-argument' where the packet cannot be sent. */
  send(packet: ClientPacket): void {
    encodeFrom(CLIENT_BODIES, this.output.writer, packet, this.protocolVersion)
    this.output.written()
  }

  acknowledge(
    type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
    identifier: number,
    reasonCode: number,
  ): void {
    encodeAcknowledgement(this.output.writer, type, identifier, reasonCode, this.protocolVersion)
    this.output.written()
  }

  startKeepAlive(seconds: number): void {
    this.#keepAlive = new KeepAlive(this.#settings.clock, seconds, this.#settings.pingTimeoutMs, this)
    this.#keepAlive.start()
  }

  /** Sends DISCONNECT behind what is written, and hangs up; the owner hears no more. Resolves when the connection is gone. */
  close(reasonCode: number, sessionExpiryInterval?: number): Promise<void> {
    this.#listener = undefined
    this.#keepAlive?.stop()
    this.#disconnect(reasonCode, sessionExpiryInterval)
    this.output.flush()
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#settings.clock.clearTimeout(this.#hangUpTimer)
        this.#destroy()
        resolve()
      }
      this.#hangUpTimer = this.#settings.clock.setTimeout(finish, HANG_UP_MS)
      this.#onGone = finish
      this.#isDisconnectWaiting = this.output.writer.pendingBytes > 0
      if (!this.#isDisconnectWaiting) this.#transport.close()
    })
  }

  /** Ends a `close` that takes too long; the promise of `close` resolves. */
  cutShort(): void {
    this.#onGone?.()
  }

  /** Ends at once, unless it is closing already; the owner hears no more. */
  abandon(): void {
    if (this.#onGone === undefined) this.#destroy()
  }

  #destroy(): void {
    this.#listener = undefined
    this.#onGone = undefined
    this.#keepAlive?.stop()
    this.output.stop()
    this.#transport.destroy()
  }

  onOpen(): void {
    this.#listener?.onOpen(this)
  }

  onClose(error: Error | undefined): void {
    this.#lose(transportError(this.#settings.platform, this.endpoint, error))
  }

  onWritable(): void {
    this.#listener?.onWritable(this)
  }

  onStuck(): void {
    this.#lose(writeTimedOut(this.endpoint, this.#settings.writeTimeoutMs))
  }

  onTimeout(): void {
    this.#lose(keepAliveTimedOut(this.endpoint))
  }

  onDrain(): void {
    this.output.drain()
    if (this.#isPaused && !this.#hasUnreadResponses) {
      this.#isPaused = false
      this.#transport.resume()
    }
    if (!this.#isDisconnectWaiting) return
    this.#isDisconnectWaiting = false
    this.#transport.close()
  }

  onData(chunk: Uint8Array): void {
    this.hasReceived = true
    this.#counters.bytesReceived += chunk.length
    if (this.#listener === undefined) return
    try {
      this.#decoder.push(chunk)
      // The listener may be gone after any packet: its owner has moved on, and so the rest is of no interest.
      for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
        if (this.#listener === undefined) return
        this.#listener.onPacket(this, packet)
      }
      this.#applyBackpressure()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.fail(error)
    }
  }

  /** Messages stop at the bound of the queue; what goes beyond it are responses to what the server sent. */
  get #hasUnreadResponses(): boolean {
    return this.output.bufferedBytes > this.#settings.queue.maximumBytes + UNREAD_RESPONSE_BYTES
  }

  #applyBackpressure(): void {
    if (this.#isPaused || !this.#hasUnreadResponses) return
    this.#isPaused = true
    this.#transport.pause()
  }

  /** The server broke the protocol: tells it why, then ends. [MQTT-4.13.1-1] */
  fail(error: ProtocolError): void {
    if (this.#listener === undefined) return
    this.#disconnect(error.reasonCode)
    this.output.flush()
    this.#transport.close()
    this.#lose(
      new ConnectionError(
        'protocol-error',
        `${this.endpoint.href} sent what MQTT forbids: ${error.message}`,
        {
          reasonCode: error.reasonCode,
          cause: error,
          retryable: true,
        },
      ),
    )
  }

  #disconnect(reasonCode: number, sessionExpiryInterval?: number): void {
    const properties = sessionExpiryInterval === undefined ? undefined : { sessionExpiryInterval }
    // DISCONNECT of earlier versions means a normal end and nothing else.
    if (this.protocolVersion < 5 && reasonCode !== ReasonCode.normalDisconnection) return
    this.send({ type: 'disconnect', reasonCode, properties })
  }

  takeActivity(): { hasSent: boolean; hasReceived: boolean } {
    const activity = { hasSent: this.output.hasSent, hasReceived: this.hasReceived }
    this.output.hasSent = false
    this.hasReceived = false
    return activity
  }

  ping(): void {
    this.#counters.pings++
    this.send({ type: 'pingreq' })
  }

  #lose(error: Error): void {
    this.#onGone?.()
    const listener = this.#listener
    if (listener === undefined) return
    this.#listener = undefined
    this.#keepAlive?.stop()
    this.output.stop()
    listener.onLost(this, error)
  }
}

function writeTimedOut(endpoint: Endpoint, timeoutMs: number): ConnectionError {
  return new ConnectionError('write-timeout', `${endpoint.href} took no data for ${timeoutMs} ms`, {
    retryable: true,
  })
}

function keepAliveTimedOut(endpoint: Endpoint): ConnectionError {
  return new ConnectionError('keep-alive-timeout', `${endpoint.href} did not answer PINGREQ`, {
    reasonCode: ReasonCode.keepAliveTimeout,
    retryable: true,
  })
}
