import {
  Decoder,
  encode,
  encodeAcknowledgement,
  type Packet,
  ProtocolError,
  type ProtocolVersion,
  ReasonCode,
  Writer,
} from '@jamey/protocol'
import { Allowance } from './allowance.js'
import { Answers } from './answers.js'
import type { AuthenticationExchange } from './authentication-exchange.js'
import type { ClientCertificate, Identity } from './authenticator.js'
import type { ByteStream, Peer } from './byte-stream.js'
import type { AcknowledgementType } from './commit-gate.js'
import { type ConnectionState, MAY_BECOME } from './connection-state.js'
import type { Core } from './core.js'
import { Deadline } from './deadline.js'
import type { Delivery } from './delivery.js'
import { ConnectionFault } from './errors.js'
import { FairShare } from './fair-share.js'
import { Greeter } from './greeter.js'
import { handle } from './handlers/handle.js'
import { type ClientInfo, type Departure, LOST } from './hooks.js'
import { IdentityEnd } from './identity-end.js'
import { isWithin, lingerMs, writeDisconnect, writeRefusal } from './last-words.js'
import type { Limits } from './limits.js'
import type { Message, Outlet } from './message.js'
import type { Session } from './session.js'
import type { Ending } from './sessions.js'
import { Silence } from './silence.js'
import type { Stamp } from './stamping.js'
import { endSilent, endUnrenewed } from './time-out.js'
import { TopicAliases } from './topic-aliases.js'
import { mayBeAnswered, mayPublish, TopicPermission } from './topic-permission.js'
import { UnreadAnswers } from './unread-answers.js'

/** With this much not yet taken by the system, queues wait; QoS 0 may pile up to the limit of queued bytes. */
const FULL_FROM_BYTES = 262_144
/** Encoded in one turn before queues wait for the write at its end. */
const MOST_PER_TURN_BYTES = 1_048_576
/** The first byte of every CONNECT. */
const CONNECT_BYTE = 0x10
/** Of whoever is not listened to any more. */
const NOTHING_MORE = new Decoder({ from: 'client' })

/** One network connection: bytes in, packets to their handlers, one write per turn out. */
export class Connection {
  readonly core: Core
  /** The limits when it was accepted: what CONNACK announces holds for as long as it lasts, whatever is reloaded. */
  readonly terms: Readonly<Limits>
  readonly remoteAddress: string
  readonly certificate: ClientCertificate | undefined
  readonly writer = new Writer()
  readonly aliases: TopicAliases
  /** Allows with the stamp of the messages, where they get one. */
  readonly publishPermission: TopicPermission<Stamp>
  /** Of Response Topics. */
  readonly answerPermission = new TopicPermission(mayBeAnswered)
  readonly greeter: Greeter
  readonly answers = new Answers(this)
  readonly renewals: Allowance
  readonly share = new FairShare(this)
  /** Known from CONNECT on. */
  version: ProtocolVersion = 5
  session: Session | undefined
  /** Present where hooks are, from the moment they let it in. */
  client: ClientInfo | undefined
  /** Present where CONNECT named an authentication method. */
  exchange: AuthenticationExchange | undefined
  /** How many wait for something before the next packet is handled. */
  holds = 0
  /** The peer's Maximum Packet Size; infinity where it has none. */
  maximumPacketBytes = Number.POSITIVE_INFINITY
  outgoingAliases: Outlet['outgoingAliases']
  readonly #socket: ByteStream
  #decoder: Decoder
  readonly #silence: Silence
  readonly #identityEnd: IdentityEnd
  readonly #linger: Deadline
  readonly #unreadAnswers = new UnreadAnswers()
  #state: ConnectionState = 'waiting'
  #hasBegun = false
  #hasPassed = false
  #isFull = false
  #isScheduled = false
  #isDestroyed = false
  #heldBytes = 0

  constructor(core: Core, socket: ByteStream, { remoteAddress, connectByMs, certificate }: Peer) {
    const { clock, limits } = core
    this.core = core
    this.terms = limits
    this.#socket = socket
    this.remoteAddress = remoteAddress
    this.certificate = certificate
    this.aliases = new TopicAliases(limits.topicAliases)
    this.publishPermission = new TopicPermission((by, topic) => {
      return mayPublish(by, topic, core.limits.topicLevels) && (this.session?.stampFor(topic) ?? true)
    })
    this.greeter = new Greeter(core, this)
    this.renewals = new Allowance(() => core.limits.renewalsPerMinute, 60_000, clock)
    this.#decoder = new Decoder({ from: 'client', maximumPacketSize: limits.connectPacketBytes })
    const isListening = (): boolean => this.holds === 0
    this.#silence = new Silence(clock, connectByMs, isListening, () => endSilent(this))
    this.#identityEnd = new IdentityEnd(clock, () => endUnrenewed(this))
    this.#linger = new Deadline(clock, () => socket.destroy())
    core.connections.add(this)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('piece', () => this.reckon())
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#leave('abnormal', 'closing', LOST))
    socket.on('error', (error) => this.#onError(error))
    socket.on('close', () => this.#onClose())
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Written and not yet taken by the system. */
  get backlogBytes(): number {
    return this.writer.pendingBytes + this.#socket.writableLength
  }

  /** Of packets that are not whole, and written and not yet taken, as `reckon` found last. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Tells what it holds now to whoever looks after all of them. */
  reckon(): number {
    const socket = this.#socket
    const unfinished = this.#decoder.heldBytes + (socket.unfinishedLength ?? 0)
    const isOver = this.#isDestroyed || this.#state === 'closed'
    const held = isOver ? 0 : unfinished + this.writer.pendingBytes + socket.writableLength
    const change = held - this.#heldBytes
    this.#heldBytes = held
    if (change !== 0) this.core.heldBytes.change(change)
    return this.#heldBytes
  }

  /** Whether queues may go on filling it. */
  get isWritable(): boolean {
    return !this.#isFull && this.writer.pendingBytes < MOST_PER_TURN_BYTES
  }

  /** CONNECT came; nothing more is read until `open`. */
  beginAuthentication(version: ProtocolVersion): void {
    this.#become('authenticating')
    this.version = version
    this.pauseReading()
  }

  /** Until `resumeReading`, as often. Only within the handling of a packet, or when all that came has been handled. */
  pauseReading(): void {
    this.holds++
    this.#socket.pause()
  }

  /** Keep Alive is in seconds, 0 for none. */
  open(session: Session, identity: Identity, keepAliveSeconds: number): void {
    this.#become('open')
    this.session = session
    this.#hasPassed = true
    this.core.admission.pass(this.remoteAddress)
    this.#decoder.maximumPacketSize = this.terms.packetBytes
    this.#decoder.maximumControlSize = this.terms.controlPacketBytes
    this.#silence.keepAlive(keepAliveSeconds)
    this.useIdentity(identity)
  }

  /** Handles what came meanwhile, and then what comes. */
  resumeReading(): void {
    this.holds--
    this.#process(0)
    this.#listen()
  }

  /** Unless something is waited for, or the peer has to take its answers first. */
  #listen(): void {
    const isOver = this.#state === 'closing' || this.#state === 'closed'
    if (this.holds === 0 && !isOver && !this.#unreadAnswers.areTooMany) this.#socket.resume()
  }

  /** Who the connection is from now on: at first, and after each renewal. */
  useIdentity(identity: Identity): void {
    this.publishPermission.use(identity)
    this.answerPermission.use(identity)
    this.#identityEnd.use(identity)
  }

  write(packet: Packet): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    // [MQTT-3.1.2-24]; acknowledgements of PUBLISH are smaller than CONNACK, which was let through.
    if (!isWithin(packet, this.version, this.maximumPacketBytes)) {
      return this.end(ReasonCode.packetTooLarge, `${packet.type} is larger than the client takes`)
    }
    const before = this.writer.pendingBytes
    encode(this.writer, packet, this.version)
    this.core.counters.packetsSent++
    if (this.#isFull) this.#unreadAnswers.add(this.writer.pendingBytes - before)
    this.schedule()
  }

  writeAcknowledgement(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void {
    if (this.#state !== 'open') return
    this.core.counters.packetsSent++
    encodeAcknowledgement(this.writer, type, packetIdentifier, reasonCode, this.version)
    if (this.#isFull) this.#unreadAnswers.addAcknowledgement()
    this.schedule()
  }

  /** QoS 0: written now or, when the peer reads too slowly, never. `frameIndex` -1: nobody gets the same bytes. */
  sendAtMostOnce(
    message: Message,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    frameIndex: number,
  ): void {
    const { counters, limits, clock } = this.core
    // Within one turn, too, nobody piles up more than that.
    if (!this.isWritable && this.backlogBytes + message.bytes > limits.queuedBytes) {
      counters.droppedSlow++
      return
    }
    if (message.writeTo(this, 0, retain, false, 0, subscriptionIdentifiers, frameIndex, clock))
      this.#sent(message)
    else counters.droppedTooLarge++
  }

  /** QoS 1 and 2. False: larger than the peer takes. */
  sendDelivery(delivery: Delivery, frameIndex: number): boolean {
    const isWritten = delivery.writeTo(this, frameIndex, this.core.clock)
    if (isWritten) this.#sent(delivery.message)
    return isWritten
  }

  #sent({ payload }: Message): void {
    this.core.counters.countSent(payload.length)
    this.schedule()
  }

  /** Has this turn end with a write of what is in `writer`. */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.core.turn.add(this)
  }

  /** Hands the system everything written in this turn. */
  flush(): void {
    this.#isScheduled = false
    if (this.#isFull || this.#state === 'closed') return void this.reckon()
    this.#unreadAnswers.clear()
    const socket = this.#socket
    const chunks = this.writer.take()
    if (chunks.length > 1) socket.cork()
    for (const chunk of chunks) {
      this.core.counters.bytesSent += chunk.length
      socket.write(chunk)
    }
    if (chunks.length > 1) socket.uncork()
    this.#isFull = socket.writableLength >= FULL_FROM_BYTES
    this.reckon()
    if (this.#isFull) return
    if (this.session?.outgoing.isWaiting) this.session.outgoing.pump()
    this.greeter.onWritable()
  }

  /** Ends the connection for what its peer, or we, did wrong. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError || error instanceof ConnectionFault) {
      this.core.counters.protocolErrors++
      this.end(error.reasonCode, error.message)
    } else {
      this.core.log.error({ ...this.#about(), err: error }, 'a packet could not be handled')
      this.end(ReasonCode.unspecifiedError, 'the server failed to handle a packet')
    }
  }

  /** Says why, in the way the protocol version has, and closes. A will is published. */
  end(reasonCode: number, reasonString: string, ending: Ending = 'abnormal', serverReference?: string): void {
    const before = this.#state
    if (before === 'closing' || before === 'closed') return
    const log = before === 'open' ? this.core.log : this.core.strangersLog
    log.info({ ...this.#about(), reasonCode, reason: reasonString }, 'connection ended by the server')
    const farewell = { reasonCode, reasonString, serverReference }
    if (before === 'open') writeDisconnect(this.writer, this.version, farewell, this.maximumPacketBytes)
    else {
      this.core.counters.connectionsRefused++
      writeRefusal(this.writer, this.#decoder.protocolVersion, farewell, this.maximumPacketBytes)
    }
    this.#leave(ending, 'closing', { by: 'server', reasonCode, reason: reasonString })
  }

  /** DISCONNECT came: nothing more is said. [MQTT-3.14.4-1] */
  leave(ending: Ending, reasonCode: number, reason: string | undefined): void {
    this.#leave(ending, 'closing', { by: 'client', reasonCode, reason })
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#socket.destroy()
    this.reckon()
  }

  #leave(ending: Ending, next: 'closing' | 'closed', departure: Departure): void {
    if (this.#state === 'closed' || this.#state === next) return
    const { session } = this
    this.#become(next)
    this.session = undefined
    this.#silence.clear()
    this.#identityEnd.clear()
    this.share.pace.clear()
    this.exchange?.end()
    if (session?.connection === this) this.core.sessions.detach(session, ending)
    if (this.client !== undefined) this.core.hooks?.disconnect(this.client, departure)
    this.client = undefined
    // What it held of a packet goes with it.
    this.#decoder = NOTHING_MORE
    if (next !== 'closing') return void this.reckon()
    this.#isFull = false
    this.flush()
    this.#socket.end()
    // What still comes is thrown away: closing with unread bytes would reset the connection, our last words too.
    this.#socket.resume()
    this.#linger.set(this.core.clock.now() + lingerMs(this.#hasPassed))
  }

  #become(next: ConnectionState): void {
    if (!MAY_BECOME[this.#state].includes(next)) {
      throw new Error(`A connection that is ${this.#state} can not become ${next}.`)
    }
    this.#state = next
  }

  #onData(chunk: Buffer): void {
    this.core.counters.bytesReceived += chunk.length
    if (this.#state === 'closing' || this.#state === 'closed') return
    // What is no CONNECT by its first byte (HTTP, TLS) is not waited for to be complete. [MQTT-3.1.0-1]
    if (this.#state === 'waiting' && !this.#hasBegun && chunk[0] !== CONNECT_BYTE) {
      this.core.counters.protocolErrors++
      return this.end(ReasonCode.protocolError, 'the first packet is not CONNECT')
    }
    this.#hasBegun = true
    this.#silence.heardPiece(chunk.length)
    this.#decoder.push(chunk)
    this.#process(chunk.length)
    if (this.#unreadAnswers.areTooMany) this.#socket.pause()
    this.reckon()
  }

  /** Handles every whole packet, unless one ends the connection or has to be waited for. */
  #process(bytes: number): void {
    let packets = 0
    this.share.begin(bytes)
    try {
      while (this.holds === 0 && this.#state !== 'closing' && this.#state !== 'closed') {
        const packet = this.#decoder.next()
        if (packet === undefined) break
        packets++
        handle(this, packet)
        this.share.count()
      }
    } catch (error) {
      this.fail(error)
    }
    this.share.end()
    this.core.counters.packetsReceived += packets
    if (packets > 0) this.#silence.heard()
    this.core.shutdown?.look(this)
  }

  #onDrain(): void {
    this.#isFull = false
    this.flush()
    this.session?.outgoing.pump()
    this.#listen()
  }

  #onError(error: Error & { code?: string }): void {
    if (error instanceof ConnectionFault) return this.fail(error)
    this.core.log.debug({ ...this.#about(), code: error.code }, 'connection failed')
  }

  #onClose(): void {
    this.#leave('abnormal', 'closed', LOST)
    this.reckon()
    this.#linger.clear()
    if (this.#hasPassed) this.core.admission.leave(this.remoteAddress)
    this.core.connections.delete(this)
    if (this.core.connections.size === 0) this.core.whenEmpty?.()
  }

  #about(): Record<string, unknown> {
    return { clientId: this.session?.clientId, remoteAddress: this.remoteAddress }
  }
}
