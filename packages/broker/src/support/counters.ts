import type { QoS } from '@jamey/protocol'

/** Totals since the broker was made; plain numbers, so counting costs nothing. */
export class Counters {
  connectionsAccepted = 0
  /** Number of connections whose CONNECT was accepted. */
  connectionsPassed = 0
  connectionsRefused = 0
  /** Refused sockets for which there were too few file descriptors. */
  refusedForDescriptors = 0
  connectionsMaximum = 0
  authenticationsRefused = 0
  protocolErrors = 0
  bytesReceived = 0
  bytesSent = 0
  /** Packets of any type. */
  packetsReceived = 0
  packetsSent = 0
  publishesReceived = 0
  publishesSent = 0
  /** Those of QoS 1 and 2 among them; the others have QoS 0. */
  publishesReceivedQos1 = 0
  publishesReceivedQos2 = 0
  publishesSentQos1 = 0
  publishesSentQos2 = 0
  /** Bytes of the payloads that were published to the broker. */
  publishBytesReceived = 0
  publishBytesSent = 0
  /** Publishes that no subscription matched. */
  publishesUnmatched = 0
  /** Publishes refused for lack of permission, silently towards clients before MQTT 5.0. */
  publishesDenied = 0
  subscriptionsDenied = 0
  /** QoS 0 messages a slow subscriber did not take in time. */
  droppedSlow = 0
  /** QoS 1 and 2 messages that found a session's queue full. */
  droppedOverflow = 0
  /** QoS 1 and 2 publishes refused with 0x97 because a receiver's queue was full, where that is the policy, or the
   * topic's. */
  refusedOverflow = 0
  /** PUBACKs and PUBRECs that waited for a subscriber to take what lies in its queue. */
  acknowledgementsDelayed = 0
  /** Connected subscribers that took too little for too long, so that publishers no longer waited for them. */
  subscribersGivenUp = 0
  /** Connections of clients that published faster than they may. */
  publishersSlowed = 0
  /** Times a connection that sent much was not read from for a moment, so that others had their turn. */
  turnsYielded = 0
  droppedExpired = 0
  /** Larger than the receiver's Maximum Packet Size. [MQTT-3.1.2-25] */
  droppedTooLarge = 0
  /** Queued for a session that came back without the permission to receive them. */
  droppedDenied = 0
  /** Retained messages beyond the limits. */
  retainedRefused = 0
  /** Handed to another member of a shared subscription. */
  redelivered = 0
  keepAliveTimeouts = 0
  /** Connections that held most when all together held too much. */
  endedForBytes = 0
  identitiesExpired = 0
  sessionsTakenOver = 0
  sessionsExpired = 0
  willsPublished = 0
  /** Queued messages that were passed over because the store cannot read them. */
  damagedDeliveries = 0
  /** Times the store began to fail. */
  storeFailures = 0
  /** Records of the store that cannot be read and were quarantined. */
  damagedRecords = 0
  /** Publishes of QoS 1 and 2 that were refused because the store failed. */
  refusedByStore = 0
  /** Times a hook threw, rejected, gave no answer in time or one that makes no sense. */
  hooksFailed = 0
  /** Times a handler of `Broker.subscribe` threw or rejected. */
  handlersFailed = 0
  /** Publishes and wills that `onPublish` refused, or failed at. */
  publishesRefused = 0

  /** A PUBLISH came, with a payload of so many bytes. */
  countReceived(qos: QoS, bytes: number): void {
    this.publishesReceived++
    this.publishBytesReceived += bytes
    if (qos === 1) this.publishesReceivedQos1++
    else if (qos === 2) this.publishesReceivedQos2++
  }

  /** A PUBLISH was written, with a payload of so many bytes. */
  countSent(qos: QoS, bytes: number): void {
    this.packetsSent++
    this.publishesSent++
    this.publishBytesSent += bytes
    if (qos === 1) this.publishesSentQos1++
    else if (qos === 2) this.publishesSentQos2++
  }
}

/** `Broker.stats()`: all counters, and how things stand now. */
export interface BrokerStats extends Readonly<Omit<Counters, 'countReceived' | 'countSent'>> {
  uptimeSeconds: number
  connections: number
  /** Connections from within the process; see `Broker.connectInProcess`. */
  connectionsInProcess: number
  /** Connected or not. */
  sessions: number
  subscriptions: number
  /** Topic filters that groups share, each once. */
  sharedSubscriptions: number
  retainedMessages: number
  retainedBytes: number
  queuedMessages: number
  /** Bytes of messages queued and in flight, an estimate of their memory. */
  queuedBytes: number
  inFlightMessages: number
  /**
   * Bytes of all connections that are not a whole packet yet, or not taken; bytes that the system took may count a
   * while longer.
   */
  heldBytes: number
  /** Seconds for which the store has failed; 0 where it does not. */
  storeFailingSeconds: number
}
