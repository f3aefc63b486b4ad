import { BrokerError } from './errors.js'

/** Bounds for one peer, and for all of them together. Every limit has a safe default. */
export interface Limits {
  /** Connections that passed CONNECT. */
  connections: number
  /** Sockets of one address (of one IPv6 network of 64 bits), in any state. */
  connectionsPerAddress: number
  /** Sockets that have not passed CONNECT yet, those in their TLS handshake included. */
  pendingConnections: number
  /** So many of the pending connections may be of one address. */
  pendingPerAddress: number
  /** Sockets that wait for a place among the pending ones, or for the next second, before their TLS handshake. */
  waitingConnections: number
  /** Sockets that may begin within a second, of all addresses; over it, new ones wait. */
  connectionsPerSecond: number
  /** So many of the connections of a second may be of one address. */
  connectionsPerSecondPerAddress: number
  /** Milliseconds from accept (TLS handshake included) to a complete CONNECT. */
  connectTimeoutMs: number
  /** Bytes of a CONNECT, the only packet an unauthenticated client may send. */
  connectPacketBytes: number
  /** Bytes of any other packet; announced as Maximum Packet Size. */
  packetBytes: number
  /** Bytes of one that carries no message, and of the properties of a PUBLISH. */
  controlPacketBytes: number
  /**
   * Bytes of all connections together, of packets that are not whole and of what is written and not taken; over it,
   * those that hold most are ended with 0x97.
   */
  heldBytes: number
  /** PUBLISH packets of QoS 1 and 2 a client may have unacknowledged; announced as Receive Maximum. */
  receiveMaximum: number
  /** PUBLISH packets of QoS 1 and 2 we leave unacknowledged towards a client, whatever more it allows. */
  inFlight: number
  /** Highest inbound topic alias; announced as Topic Alias Maximum. */
  topicAliases: number
  /** Topic aliases we give to a client, whatever more it allows. */
  outboundTopicAliases: number
  topicLevels: number
  subscriptionsPerClient: number
  /** Topic filters of one SUBSCRIBE or UNSUBSCRIBE. */
  filtersPerPacket: number
  /** Renewals of its identity (AUTH) by one connection. */
  renewalsPerMinute: number
  /** PUBLISH packets a second of one client; it is read from more slowly where it has more. 0: no bound. */
  publishesPerSecond: number
  /** Bytes of their payloads. */
  publishBytesPerSecond: number
  /** Milliseconds a hook may think; then what it was asked about is refused. */
  hookTimeoutMs: number
  /** Questions of the authenticator to one client (AUTH), at CONNECT or at a renewal. */
  authenticationSteps: number
  /** Messages waiting in one session, connected or not. */
  queuedMessages: number
  /** Bytes waiting in one session, its socket's backlog included. */
  queuedBytes: number
  /**
   * Milliseconds without a sign of life from a subscriber's acknowledgements, after which publishers no longer wait for
   * its queue; nobody waits for one message longer than six times that. 0: publishers never wait.
   */
  slowSubscriberMs: number
  retainedMessages: number
  /** Estimate of their memory: payload, topic, properties, and what each level of the topic takes in the tree. */
  retainedBytes: number
  /** Number of retained messages that one client identifier published last. */
  retainedMessagesPerClient: number
  retainedBytesPerClient: number
  sessions: number
  /** Seconds; longer wishes are cut to this and told so in CONNACK. */
  sessionExpirySeconds: number
  /** Seconds; 0 takes every own keep alive. Else longer ones (or none) of MQTT 5.0 are replaced by Server Keep Alive. */
  keepAliveSeconds: number
  /** Topics whose receivers are remembered. */
  routedTopics: number
  /** Seconds between two publications of `$SYS`; 0 publishes none. */
  sysIntervalSeconds: number
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  connections: 10_000,
  connectionsPerAddress: 5_000,
  pendingConnections: 1_000,
  pendingPerAddress: 100,
  waitingConnections: 4_096,
  connectionsPerSecond: 1_000,
  connectionsPerSecondPerAddress: 250,
  connectTimeoutMs: 10_000,
  connectPacketBytes: 262_144,
  packetBytes: 16_777_216,
  controlPacketBytes: 262_144,
  heldBytes: 268_435_456,
  receiveMaximum: 1_024,
  inFlight: 4_096,
  topicAliases: 64,
  outboundTopicAliases: 64,
  topicLevels: 64,
  subscriptionsPerClient: 1_000,
  filtersPerPacket: 1_000,
  renewalsPerMinute: 60,
  publishesPerSecond: 0,
  publishBytesPerSecond: 0,
  hookTimeoutMs: 5_000,
  authenticationSteps: 8,
  queuedMessages: 100_000,
  queuedBytes: 16_777_216,
  slowSubscriberMs: 10_000,
  retainedMessages: 100_000,
  retainedBytes: 268_435_456,
  retainedMessagesPerClient: 10_000,
  retainedBytesPerClient: 33_554_432,
  sessions: 100_000,
  sessionExpirySeconds: 604_800,
  keepAliveSeconds: 0,
  routedTopics: 16_384,
  sysIntervalSeconds: 10,
}

/** Limits that the wire format or a timer bounds; the others may be any positive number. */
const BOUNDED: Partial<Record<keyof Limits, readonly [number, number]>> = {
  waitingConnections: [0, Number.MAX_SAFE_INTEGER],
  receiveMaximum: [1, 65_535],
  inFlight: [1, 65_535],
  topicAliases: [0, 65_535],
  outboundTopicAliases: [0, 65_535],
  packetBytes: [16, 268_435_460],
  connectPacketBytes: [16, 268_435_460],
  controlPacketBytes: [16, 268_435_460],
  sessionExpirySeconds: [0, 4_294_967_295],
  keepAliveSeconds: [0, 65_535],
  publishesPerSecond: [0, Number.MAX_SAFE_INTEGER],
  publishBytesPerSecond: [0, Number.MAX_SAFE_INTEGER],
  // The longest delay of a timer.
  slowSubscriberMs: [0, 2_147_483_647],
  sysIntervalSeconds: [0, 86_400],
}

/** Smallest and greatest value, both allowed, of each limit, which is a whole number. */
export const LIMIT_RANGES = Object.freeze(
  Object.fromEntries(
    Object.keys(DEFAULT_LIMITS).map((name) => [
      name,
      BOUNDED[name as keyof Limits] ?? [1, Number.MAX_SAFE_INTEGER],
    ]),
  ),
) as Readonly<Record<keyof Limits, readonly [number, number]>>

/** The defaults with `given` laid over them. Throws `BrokerError` 'limit-invalid' that names the limit and its range. */
export function resolveLimits(given: { readonly [name in keyof Limits]?: number | undefined } = {}): Limits {
  const limits: Limits = { ...DEFAULT_LIMITS }
  for (const name of Object.keys(given) as (keyof Limits)[]) {
    const value = given[name]
    if (value === undefined) continue
    if (!(name in DEFAULT_LIMITS)) {
      const known = Object.keys(DEFAULT_LIMITS).join(', ')
      throw new BrokerError('limit-invalid', `limits.${name}: there is no such limit; known are ${known}`)
    }
    const [least, most] = LIMIT_RANGES[name]
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new BrokerError(
        'limit-invalid',
        `limits.${name}: got ${value}; expected a whole number from ${least} to ${most}`,
      )
    }
    limits[name] = value
  }
  return limits
}
