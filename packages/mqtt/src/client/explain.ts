import { describeReasonCode } from '@jamey/protocol'
import type { MqttError } from '../model/errors.js'
import type { ConnectionFacts, Explanation, FailureKind, Told, ToldReason } from '../model/explanation.js'
import type { ServerInformation } from '../model/server-information.js'
import type { Settings } from '../model/settings.js'
import type { Outgoing } from '../publishing/outgoing.js'
import type { Incoming } from '../receiving/incoming.js'

/** The parts of a session from which it is explained. */
export interface ExplainedSession {
  readonly settings: Settings
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly server: ServerInformation | undefined
  /** The last failure that the server told, by kind. */
  readonly lastFailures: ReadonlyMap<FailureKind, Told>
}

/** See `Client.explain`. */
export function explain(
  session: ExplainedSession,
  connection: ConnectionFacts,
  isClosed: boolean,
): Explanation {
  const { settings, outgoing, incoming } = session
  const { quota, queue, inFlight, output } = outgoing
  const oldestBeganAtMs = oldestOf(incoming)
  const next = queue.peek()
  const { status, dueAtMs, failures, endpoint } = connection
  const { state, cause, attempt } = status
  const { failuresBeforeOpen } = settings.reconnect
  const facts = {
    state,
    cause: plain(cause),
    attempt,
    nextAttemptMs: dueAtMs === undefined ? undefined : Math.max(0, dueAtMs - settings.clock.now()),
    breaker: { isOpen: failures >= failuresBeforeOpen, failures, failuresBeforeOpen },
    endpoint,
    server: session.server,
    sending: {
      quota,
      onWire: inFlight.onWire,
      inFlight: inFlight.count,
      messagesPerSecond: outgoing.rate.messagesPerSecond,
      deadLetters: outgoing.outcomes.deadLetters.size,
    },
    queue: {
      messages: queue.messages,
      storing: queue.held,
      bytes: queue.bytes,
      oldestAgeMs: queue.oldestAgeMs,
      maximumMessages: settings.queue.maximumMessages,
      maximumBytes: settings.queue.maximumBytes,
    },
    socket: { bufferedBytes: output?.bufferedBytes ?? 0, isWritable: output?.isWritable ?? false },
    receiving: {
      handlersRunning: incoming.running,
      oldestAgeMs: oldestBeganAtMs === undefined ? undefined : settings.clock.now() - oldestBeganAtMs,
      unacknowledged: incoming.unacknowledged,
      receiveMaximum: settings.receiveMaximum,
    },
    lastFailures: lastFailuresOf(session),
  }
  // The next message would get an identifier that a much older one still has, or they hold too many bytes.
  const isWindowFull = next !== undefined && !inFlight.hasRoomFor(next)
  return { because: because(facts, isClosed, isWindowFull), ...facts }
}

/** Age of the oldest unacknowledged message whose handlers are at work; undefined without one. */
function oldestOf({ queue, carried }: Incoming): number | undefined {
  let oldest = queue.peek()?.beganAtMs ?? 0
  for (const { beganAtMs, running } of carried.values()) {
    if (running > 0 && (oldest === 0 || beganAtMs < oldest)) oldest = beganAtMs
  }
  return oldest === 0 ? undefined : oldest
}

function lastFailuresOf({ lastFailures, settings }: ExplainedSession): Explanation['lastFailures'] {
  const of = (kind: FailureKind): ToldReason | undefined => {
    const told = lastFailures.get(kind)
    if (told === undefined) return undefined
    const { reasonCode, reasonString, atMs } = told
    const agoMs = settings.clock.now() - atMs
    return { reasonCode, reasonString, description: describeReasonCode(reasonCode), agoMs }
  }
  return {
    connack: of('connack'),
    disconnect: of('disconnect'),
    publish: of('publish'),
    subscribe: of('subscribe'),
  }
}

function plain(cause: Error | undefined): Explanation['cause'] {
  if (cause === undefined) return undefined
  const { code, reasonCode } = cause as Partial<MqttError>
  return { name: cause.name, code, reasonCode, message: cause.message }
}

/** The first thing that holds messages up, from the connection inwards. */
function because(facts: Omit<Explanation, 'because'>, isClosed: boolean, isWindowFull: boolean): string {
  if (isClosed) return 'The client is closed.'
  return becauseOfConnection(facts) ?? becauseOfSending(facts, isWindowFull) ?? becauseOfReceiving(facts)
}

function becauseOfConnection(facts: Omit<Explanation, 'because'>): string | undefined {
  const { state, cause, attempt, nextAttemptMs, breaker, endpoint } = facts
  const why = cause === undefined ? '' : `: ${cause.message}`
  switch (state) {
    case 'connected':
      return undefined
    case 'disconnected':
      return cause === undefined ? 'connect() was not called.' : `There is no connection${why}.`
    case 'connecting':
      return `Connecting to ${endpoint} (attempt ${attempt})${cause === undefined ? '' : ` after a failure${why}`}.`
    case 'reconnecting':
      return `Attempt ${attempt} follows in ${Math.ceil(nextAttemptMs ?? 0)} ms${why}.`
    default:
      if (breaker.isOpen) return `The breaker is open, and reset() closes it${why}.`
      return `The client has stopped, and reset() makes it try again${why}.`
  }
}

function becauseOfSending(facts: Omit<Explanation, 'because'>, isWindowFull: boolean): string | undefined {
  const { sending, queue, socket, server } = facts
  if (queue.storing > 0) return `${queue.storing} messages wait for the store to commit them.`
  if (!socket.isWritable) return `The network takes no more: ${socket.bufferedBytes} bytes wait for it.`
  if (queue.messages > 0) {
    if (sending.onWire >= sending.quota) {
      const whose =
        server !== undefined && server.receiveMaximum <= sending.quota
          ? "the server's Receive Maximum"
          : 'the option maximumInFlight'
      return `${queue.messages} messages wait for acknowledgements: ${whose} is ${sending.quota}, and as many are unacknowledged.`
    }
    if (isWindowFull) {
      return `${queue.messages} messages wait: the unacknowledged ones take all packet identifiers or memory.`
    }
    if (sending.messagesPerSecond !== undefined) {
      return `${queue.messages} messages wait: the server asked for less, so ${Math.round(sending.messagesPerSecond)} a second leave.`
    }
  }
  // QoS 0 has no queue: whoever publishes it waits, too.
  if (sending.messagesPerSecond === undefined) return undefined
  return `The server asked for less, so ${Math.round(sending.messagesPerSecond)} messages a second leave at the most.`
}

function becauseOfReceiving({ receiving, sending }: Omit<Explanation, 'because'>): string {
  if (receiving.unacknowledged >= receiving.receiveMaximum) {
    return `The server may send no more: ${receiving.unacknowledged} messages, our Receive Maximum, are with their handlers, the oldest for ${receiving.oldestAgeMs ?? 0} ms.`
  }
  if (sending.onWire > 0) return `${sending.onWire} messages were sent and are not acknowledged yet.`
  if (receiving.unacknowledged > 0) {
    return `${receiving.unacknowledged} messages are with their handlers, the oldest for ${receiving.oldestAgeMs ?? 0} ms.`
  }
  if (receiving.handlersRunning > 0) {
    return `${receiving.handlersRunning} handlers are at work on messages of QoS 0.`
  }
  if (sending.deadLetters > 0)
    return `${sending.deadLetters} messages are dead letters: the server refuses them.`
  return 'Nothing is held up.'
}
