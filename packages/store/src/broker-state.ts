import type {
  MessageRecord,
  QueueRecord,
  SessionRecord,
  StoredState,
  SubscriptionRecord,
} from '@jamey/broker'
import { BrokerKey, numberOf, partNumberOf, partOf, queueKey, SessionPart } from './broker-keys.js'
import { readMessage, readQueue, readSession, readSubscription } from './broker-records.js'
import type { Environment } from './environment.js'
import { rangeOf } from './key-range.js'
import type { RecordReader } from './record-reader.js'
import { RecordWriter } from './record-writer.js'

/** What a broker reads at its start, as it is read. */
export class BrokerState implements StoredState {
  readonly sessions: SessionRecord[] = []
  readonly subscriptions: { clientId: string; subscription: SubscriptionRecord }[] = []
  readonly queues: { clientId: string; queue: QueueRecord }[] = []
  readonly incoming: { clientId: string; packetIdentifier: number }[] = []
  readonly retained: MessageRecord[] = []
  lastMessageId = 0
}

/** `onSession` is told the number that stands for each session in the keys. Throws `StoreError`. */
export function readState(
  environment: Environment,
  onSession: (clientId: string, number: number) => void,
): BrokerState {
  const state = new BrokerState()
  readSessions(state, environment, onSession)
  const lastMessage = environment.lastKey([BrokerKey.message])
  if (lastMessage !== undefined) state.lastMessageId = numberOf(lastMessage)
  for (const { reader } of environment.records([BrokerKey.retained])) state.retained.push(readMessage(reader))
  return state
}

/** Steps over the deliveries of each session to what comes behind them. */
function readSessions(
  state: BrokerState,
  environment: Environment,
  onSession: (clientId: string, number: number) => void,
): void {
  const writer = new RecordWriter(64)
  let clientId = ''
  let range = rangeOf([BrokerKey.session])
  for (let isOver = false; !isOver; ) {
    isOver = true
    for (const { key, value } of environment.entries(range)) {
      if (partOf(key) === SessionPart.delivery) {
        range = { ...range, start: queueKey(writer, numberOf(key)) }
        isOver = false
        break
      }
      const reader = environment.reader(key, value)
      if (partOf(key) !== SessionPart.session) readPart(state, clientId, key, reader)
      else {
        const session = readSession(reader)
        clientId = session.clientId
        state.sessions.push(session)
        onSession(clientId, numberOf(key))
      }
    }
  }
}

/** A session comes before its parts, in the order of the keys. */
function readPart(state: BrokerState, clientId: string, key: Buffer, reader: RecordReader): void {
  switch (partOf(key)) {
    case SessionPart.subscription:
      state.subscriptions.push({ clientId, subscription: readSubscription(reader) })
      return
    case SessionPart.incoming:
      state.incoming.push({ clientId, packetIdentifier: partNumberOf(key) })
      return
    case SessionPart.queue:
      state.queues.push({ clientId, queue: readQueue(reader) })
      return
    default:
      throw reader.damage('expected a part of a session in the key')
  }
}
