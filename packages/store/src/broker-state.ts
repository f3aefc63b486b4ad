import type {
  DeliveryRecord,
  MessageRecord,
  SessionRecord,
  StoredState,
  SubscriptionRecord,
} from '@jamey/broker'
import { BrokerKey, numberOf, partNumberOf, partOf, SessionPart } from './broker-keys.js'
import { readDelivery, readMessage, readSession, readSubscription } from './broker-records.js'
import type { Environment } from './environment.js'
import type { RecordReader } from './record-reader.js'

/** Everything that a store holds, as it is read. */
export class BrokerState implements StoredState {
  readonly sessions: SessionRecord[] = []
  readonly subscriptions: { clientId: string; subscription: SubscriptionRecord }[] = []
  readonly messages = new Map<number, MessageRecord>()
  readonly deliveries: { clientId: string; sequence: number; delivery: DeliveryRecord }[] = []
  readonly incoming: { clientId: string; packetIdentifier: number }[] = []
  readonly retained: MessageRecord[] = []
}

/** Reads all of it. `onSession` is told the number that stands for each session in the keys. Throws `StoreError`. */
export function readState(
  environment: Environment,
  onSession: (clientId: string, number: number) => void,
): BrokerState {
  const state = new BrokerState()
  let clientId = ''
  for (const { key, reader } of environment.records([BrokerKey.session])) {
    if (partOf(key) !== SessionPart.session) readPart(state, clientId, key, reader)
    else {
      const session = readSession(reader)
      clientId = session.clientId
      state.sessions.push(session)
      onSession(clientId, numberOf(key))
    }
  }
  for (const { key, reader } of environment.records([BrokerKey.message])) {
    state.messages.set(numberOf(key), readMessage(reader))
  }
  for (const { reader } of environment.records([BrokerKey.retained])) state.retained.push(readMessage(reader))
  return state
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
    case SessionPart.delivery:
      state.deliveries.push({ clientId, sequence: partNumberOf(key), delivery: readDelivery(reader) })
      return
    default:
      throw reader.damage('expected a part of a session in the key')
  }
}
