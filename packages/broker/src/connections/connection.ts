import { Decoder, type Packet, ProtocolError, type ProtocolVersion, ReasonCode } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import type { Stamp } from '../messages/stamping.js'
import { mayBeAnswered, mayPublish, TopicPermission } from '../messages/topic-permission.js'
import type { Authenticator, ClientCertificate, Identity } from '../ports/authenticator.js'
import type { ByteStream, Peer } from '../ports/byte-stream.js'
import type { HookRunner } from '../ports/hook-runner.js'
import { type ClientInfo, CONNECTION_LOST, type DisconnectInfo, type DropReason } from '../ports/hooks.js'
import { RetainedDelivery } from '../sessions/retained-delivery.js'
import type { Session, SessionContext } from '../sessions/session.js'
import type { Ending, SessionRegistry } from '../sessions/session-registry.js'
import type { GroupCommit } from '../storage/group-commit.js'
import type { RetainedMessages } from '../storage/retained-messages.js'
import type { Capabilities } from '../support/capabilities.js'
import { Deadline } from '../support/deadline.js'
import { ConnectionFault } from '../support/errors.js'
import type { Limits } from '../support/limits.js'
import { Acknowledgements } from './acknowledgements.js'
import type { AuthenticationExchange } from './authentication-exchange.js'
import type { ConnectionLimiter } from './connection-limiter.js'
import { type ConnectionState, TRANSITIONS } from './connection-state.js'
import { lingerMs, writeDisconnect, writeRefusal } from './disconnect-writer.js'
import { FairShare } from './fair-share.js'
import type { HeldBytes } from './held-bytes.js'
import { IdentityEnd } from './identity-end.js'
import { IncomingAliases } from './incoming-aliases.js'
import { KeepAlive } from './keep-alive.js'
import { PacketSender } from './packet-sender.js'
import type { PublishingTime } from './publishing-time.js'

/** The first byte of every CONNECT. */
const CONNECT_BYTE = 0x10
/** The decoder of a connection that is not read from any more. */
const NOTHING_MORE = new Decoder({ from: 'client' })

/** The parts of the broker that all connections share. */
export interface ConnectionContext extends SessionContext {
  readonly authenticator: Authenticator
  /** Undefined where no hooks were given. */
  readonly hooks: HookRunner | undefined
  readonly responseInformation: ((clientId: string) => string | undefined) | undefined
  readonly connections: Set<Connection>
  readonly heldBytes: HeldBytes
  readonly publishingTime: PublishingTime
  readonly retained: RetainedMessages
  /** Acknowledgements wait for its commits; undefined without a store. */
  readonly groupCommit: GroupCommit | undefined
  readonly sessions: SessionRegistry
  readonly connectionLimiter: ConnectionLimiter
  /** Undefined until the broker shuts down. */
  readonly shutdown: Ender | undefined
  /** Called when the last connection is gone. */
  readonly whenEmpty: (() => void) | undefined
  readonly capabilities: Capabilities
  /** Passes a packet to its handler. Throws what ends the connection. */
  readonly handle: (connection: Connection, packet: Packet) => void
  /**
   * The identity of a client that was authenticated while a reload changed who may do what. Throws `ConnectionFault`.
   */
  revised(identity: Identity, clientId: string): Identity
}

/** Ends connections while the broker shuts down. */
interface Ender {
  /** Ends the connection if nothing is under way on it; called again whenever its client said something. */
  look(connection: Connection): void
  /** Refuses a connection whose CONNECT came after the shutdown began. */
  refuse(connection: Connection): void
}

/** One network connection: bytes in, and packets to their handlers. Packets out are the business of its `sender`. */
export class Connection {
  readonly context: ConnectionContext
  /** The limits when it was accepted: what CONNACK announces holds for as long as it lasts, whatever is reloaded. */
  readonly terms: Readonly<Limits>
  readonly remoteAddress: string
  readonly certificate: ClientCertificate | undefined
  readonly sender: PacketSender
  readonly aliases: IncomingAliases
  /** Allows with the stamp of the messages, where they get one. */
  readonly publishPermission: TopicPermission<Stamp>
  /** Permission for the Response Topics of its messages. */
  readonly answerPermission = new TopicPermission(mayBeAnswered)
  readonly retainedDelivery: RetainedDelivery
  readonly acknowledgements = new Acknowledgements(this)
  readonly share = new FairShare(this)
  session: Session | undefined
  /** Milliseconds since 1970; 0 before `open`. */
  connectedAtMs = 0
  /** 0 for none. */
  keepAliveSeconds = 0
  publishesReceived = 0
  /** The client as hooks know it, from the moment they let it in; undefined without hooks. */
  client: ClientInfo | undefined
  /** The exchange of AUTH packets; undefined where CONNECT named no authentication method. */
  exchange: AuthenticationExchange | undefined
  /** Number of reasons to wait before the next packet is handled. */
  holds = 0
  readonly #socket: ByteStream
  #decoder: Decoder
  readonly #keepAlive: KeepAlive
  readonly #identityEnd: IdentityEnd
  readonly #linger: Deadline
  #state: ConnectionState = 'waiting'
  #hasBegun = false
  #hasPassed = false
  #isDestroyed = false
  #heldBytes = 0

  constructor(
    context: ConnectionContext,
    socket: ByteStream,
    { remoteAddress, connectByMs, certificate, terms = context.limits }: Peer,
  ) {
    const { clock } = context
    this.context = context
    this.terms = terms
    this.#socket = socket
    this.sender = new PacketSender(context, this, socket)
    this.remoteAddress = remoteAddress
    this.certificate = certificate
    this.aliases = new IncomingAliases(terms.topicAliases)
    this.publishPermission = new TopicPermission((by, topic) => {
      return mayPublish(by, topic, context.limits.topicLevels) && (this.session?.stampFor(topic) ?? true)
    })
    this.retainedDelivery = new RetainedDelivery(context, this)
    this.#decoder = new Decoder({ from: 'client', maximumPacketBytes: terms.connectPacketBytes })
    const isListening = (): boolean => this.holds === 0
    this.#keepAlive = new KeepAlive(clock, connectByMs, isListening, () => this.#onSilence())
    this.#identityEnd = new IdentityEnd(clock, () => this.#onIdentityEnd())
    this.#linger = new Deadline(clock, () => socket.destroy())
    context.connections.add(this)
    socket.on('data', (chunk) => this.#onData(chunk))
    socket.on('piece', () => this.reckon())
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#close('abnormal', 'closing', CONNECTION_LOST))
    socket.on('error', (error) => this.#onError(error))
    socket.on('close', () => this.#onClose())
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Known from CONNECT on. */
  get version(): ProtocolVersion {
    return this.sender.version
  }

  /**
   * Bytes of packets that are not whole, and bytes that were written and not taken yet, as `reckon` found them last.
   */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Tells what it holds now to whoever looks after all of them. */
  reckon(): number {
    const socket = this.#socket
    const unfinished = this.#decoder.heldBytes + (socket.unfinishedLength ?? 0)
    const isOver = this.#isDestroyed || this.#state === 'closed'
    const held = isOver ? 0 : unfinished + this.sender.backlogBytes
    const change = held - this.#heldBytes
    this.#heldBytes = held
    if (change !== 0) this.context.heldBytes.change(change)
    return this.#heldBytes
  }

  /** CONNECT came; nothing more is read until `open`. */
  beginAuthentication(version: ProtocolVersion): void {
    this.#become('authenticating')
    this.sender.version = version
    this.pauseReading()
  }

  /**
   * Holds back the next packet until `resumeReading` was called as often. Only within the handling of a packet, or when
   * all that came has been handled.
   */
  pauseReading(): void {
    this.holds++
    this.#socket.pause()
  }

  /** Keep Alive is in seconds, 0 for none. */
  open(session: Session, identity: Identity, keepAliveSeconds: number): void {
    this.#become('open')
    this.session = session
    this.connectedAtMs = this.context.clock.timeOfDay()
    this.keepAliveSeconds = keepAliveSeconds
    this.#hasPassed = true
    this.context.connectionLimiter.connected(this.remoteAddress)
    this.#decoder.maximumPacketBytes = this.terms.packetBytes
    this.#decoder.maximumControlBytes = this.terms.controlPacketBytes
    this.#keepAlive.begin(keepAliveSeconds)
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
    if (this.holds === 0 && !isOver && !this.sender.hasUnread) this.#socket.resume()
  }

  /** Gives the connection its identity, at first and after each renewal. */
  useIdentity(identity: Identity): void {
    this.publishPermission.use(identity)
    this.answerPermission.use(identity)
    this.#identityEnd.use(identity)
  }

  onDropped(message: Message, reason: DropReason): void {
    const { session } = this
    if (session === undefined) return
    session.noteDropped(message.topic, reason)
    this.context.drops?.dropped(message, session.info, reason)
  }

  onFlushed(isWritable: boolean): void {
    this.reckon()
    if (!isWritable) return
    if (this.session?.outgoing.isWaiting) this.session.outgoing.pump()
    this.retainedDelivery.onWritable()
  }

  /** Ends the connection for what its peer, or we, did wrong. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError || error instanceof ConnectionFault) {
      this.context.counters.protocolErrors++
      this.end(error.reasonCode, error.message)
    } else {
      this.context.log.error(
        { event: 'broker.packet.failed', ...this.#about(), err: error },
        'a packet could not be handled',
      )
      this.end(ReasonCode.unspecifiedError, 'the server failed to handle a packet')
    }
  }

  /** Says why, in the way the protocol version has, and closes. A will is published. */
  end(reasonCode: number, reasonString: string, ending: Ending = 'abnormal', serverReference?: string): void {
    const before = this.#state
    if (before === 'closing' || before === 'closed') return
    const log = before === 'open' ? this.context.log : this.context.unauthenticatedLog
    log.info(
      { event: 'broker.connection.ended', ...this.#about(), reasonCode, reason: reasonString },
      'connection ended by the server',
    )
    const details = { reasonCode, reasonString, serverReference }
    const { writer, version, maximumPacketBytes } = this.sender
    if (before === 'open') writeDisconnect(writer, version, details, maximumPacketBytes)
    else {
      this.context.counters.connectionsRefused++
      writeRefusal(writer, this.#decoder.protocolVersion, details, maximumPacketBytes)
    }
    this.#close(ending, 'closing', { by: 'server', reasonCode, reason: reasonString })
  }

  /** DISCONNECT came: nothing more is said. [MQTT-3.14.4-1] */
  onDisconnect(ending: Ending, reasonCode: number, reason: string | undefined): void {
    this.#close(ending, 'closing', { by: 'client', reasonCode, reason })
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#socket.destroy()
    this.reckon()
  }

  #close(ending: Ending, next: 'closing' | 'closed', info: DisconnectInfo): void {
    if (this.#state === 'closed' || this.#state === next) return
    const { session } = this
    this.#become(next)
    this.session = undefined
    this.#keepAlive.clear()
    this.#identityEnd.clear()
    this.share.rateLimiter.clear()
    this.exchange?.end()
    if (session?.connection === this.sender) {
      session.unsentRetained = this.retainedDelivery.leave()
      this.context.sessions.detach(session, ending)
    }
    if (this.client !== undefined) this.context.hooks?.disconnect(this.client, info)
    this.client = undefined
    // The bytes of an unfinished packet go with its decoder.
    this.#decoder = NOTHING_MORE
    if (next !== 'closing') return void this.reckon()
    this.sender.finish()
    this.#socket.end()
    // Bytes that still come are thrown away: closing with unread bytes would reset the connection, and our DISCONNECT
    // with it.
    this.#socket.resume()
    this.#linger.set(this.context.clock.now() + lingerMs(this.#hasPassed))
  }

  #become(next: ConnectionState): void {
    if (!TRANSITIONS[this.#state].includes(next)) {
      throw new Error(`A connection that is ${this.#state} cannot become ${next}.`)
    }
    this.#state = next
    if (next === 'closed') this.sender.close()
  }

  #onData(chunk: Uint8Array): void {
    this.context.counters.bytesReceived += chunk.length
    if (this.#state === 'closing' || this.#state === 'closed') return
    // A first byte that is not of CONNECT (HTTP, TLS) ends the connection at once; the rest is not waited for.
    // [MQTT-3.1.0-1]
    if (this.#state === 'waiting' && !this.#hasBegun && chunk[0] !== CONNECT_BYTE) {
      this.context.counters.protocolErrors++
      return this.end(ReasonCode.protocolError, 'the first packet is not CONNECT')
    }
    this.#hasBegun = true
    this.#keepAlive.heardPiece(chunk.length)
    this.#decoder.push(chunk)
    this.#process(chunk.length)
    if (this.sender.hasUnread) this.#socket.pause()
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
        this.context.handle(this, packet)
        this.share.count()
      }
    } catch (error) {
      this.fail(error)
    }
    this.share.end()
    this.context.counters.packetsReceived += packets
    if (packets > 0) this.#keepAlive.heard()
    this.context.shutdown?.look(this)
  }

  #onDrain(): void {
    this.sender.onDrain()
    this.session?.outgoing.pump()
    this.#listen()
  }

  /** Nothing came for too long. */
  #onSilence(): void {
    if (this.#state !== 'open') {
      return this.end(ReasonCode.unspecifiedError, 'no CONNECT, or no answer to it, in time')
    }
    this.context.counters.keepAliveTimeouts++
    this.end(ReasonCode.keepAliveTimeout, 'nothing was heard for one and a half keep alive intervals')
  }

  #onIdentityEnd(): void {
    this.context.counters.identitiesExpired++
    this.end(ReasonCode.notAuthorized, 'the credentials expired and were not renewed')
  }

  #onError(error: Error & { code?: string }): void {
    if (error instanceof ConnectionFault) return this.fail(error)
    this.context.log.debug(
      { event: 'broker.connection.failed', ...this.#about(), code: error.code },
      'connection failed',
    )
  }

  #onClose(): void {
    this.#close('abnormal', 'closed', CONNECTION_LOST)
    this.reckon()
    this.#linger.clear()
    if (this.#hasPassed) this.context.connectionLimiter.disconnected(this.remoteAddress)
    this.context.connections.delete(this)
    if (this.context.connections.size === 0) this.context.whenEmpty?.()
  }

  #about(): Record<string, unknown> {
    return { clientId: this.session?.clientId, remoteAddress: this.remoteAddress }
  }
}
