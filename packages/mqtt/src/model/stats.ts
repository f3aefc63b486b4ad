/** Numbers since the client was made, and (the last four) of this moment. */
export interface ClientStats {
  readonly connects: number
  readonly connectFailures: number
  readonly connectionsLost: number
  /** Connections on which the server had nothing left of the session. */
  readonly sessionsLost: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly messagesPublished: number
  readonly messagesAcknowledged: number
  readonly messagesRefused: number
  readonly messagesRetransmitted: number
  readonly messagesDropped: number
  readonly messagesExpired: number
  readonly messagesDeadLettered: number
  readonly messagesReceived: number
  readonly messagesUnhandled: number
  readonly messagesDroppedOnReceipt: number
  readonly handlerFailures: number
  readonly subscriptionFailures: number
  readonly pings: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly inFlightMessages: number
  readonly handlersRunning: number
}

/** The counted part; a plain object of numbers, so that counting costs an increment. */
export class Counters {
  connects = 0
  connectFailures = 0
  connectionsLost = 0
  sessionsLost = 0
  bytesSent = 0
  bytesReceived = 0
  messagesPublished = 0
  messagesAcknowledged = 0
  messagesRefused = 0
  messagesRetransmitted = 0
  messagesDropped = 0
  messagesExpired = 0
  messagesDeadLettered = 0
  messagesReceived = 0
  messagesUnhandled = 0
  messagesDroppedOnReceipt = 0
  handlerFailures = 0
  subscriptionFailures = 0
  pings = 0
}
