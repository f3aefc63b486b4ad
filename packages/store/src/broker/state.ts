import type {
  MessageRecord,
  QueueRecord,
  SessionRecord,
  StoredState,
  SubscriptionRecord,
} from '@jamey/broker'
import { rangeOf } from '../lmdb/key-range.js'
import type { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import type { RecordReader } from '../lmdb/record-reader.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import { StoreError } from '../lmdb/store-error.js'
import { BrokerKey, deliveryKey, numberOf, partNumberOf, partOf, queueKey, SessionPart } from './keys.js'
import { readMessage, readQueue, readSession, readSubscription } from './records.js'

/** The state that a broker loads at its start, as it is read. */
export class BrokerState implements StoredState {
  readonly sessions: SessionRecord[] = []
  readonly subscriptions: { clientId: string; subscription: SubscriptionRecord }[] = []
  readonly queues: { clientId: string; queue: QueueRecord }[] = []
  readonly incoming: { clientId: string; packetIdentifier: number }[] = []
  readonly retained: MessageRecord[] = []
  lastMessageId = 0
  /** Numbers that stand for sessions in the keys, by client identifier. */
  readonly numbers = new Map<string, number>()
}

/** Told of what is found on the way. */
export interface Findings {
  /** The number that stands for a session in the keys; also of one that cannot be read. */
  onSession(clientId: string | undefined, number: number): void
  onDamage(key: Buffer, error: StoreError): void
}

/** Reads the state; damaged records are told and left out. Throws `StoreError` where LMDB cannot read. */
export function readState(environment: LmdbEnvironment, findings: Findings): BrokerState {
  const state = new BrokerState()
  readSessions(state, environment, findings)
  addMissingQueues(state, environment)
  const lastMessage = environment.lastKey([BrokerKey.message])
  if (lastMessage !== undefined) state.lastMessageId = numberOf(lastMessage)
  for (const { key, value } of environment.entries(rangeOf([BrokerKey.retained]))) {
    attempt(findings, key, () => state.retained.push(readMessage(environment.reader(key, value))))
  }
  return state
}

/** Steps over the deliveries of each session to what comes behind them. */
function readSessions(state: BrokerState, environment: LmdbEnvironment, findings: Findings): void {
  const writer = new RecordWriter(64)
  let current: { readonly number: number; readonly clientId: string | undefined } | undefined
  let range = rangeOf([BrokerKey.session])
  for (let isOver = false; !isOver; ) {
    isOver = true
    for (const { key, value } of environment.entries(range)) {
      if (partOf(key) === SessionPart.delivery) {
        range = { ...range, start: queueKey(writer, numberOf(key)) }
        isOver = false
        break
      }
      attempt(findings, key, () => {
        const number = numberOf(key)
        if (partOf(key) === SessionPart.session) {
          current = { number, clientId: undefined }
          findings.onSession(undefined, number)
          const session = readSession(environment.reader(key, value))
          current = { number, clientId: session.clientId }
          state.sessions.push(session)
          state.numbers.set(session.clientId, number)
          findings.onSession(session.clientId, number)
          return
        }
        const reader = environment.reader(key, value)
        // The owner of these is not known where the session's record cannot be read: they stay for whoever repairs it.
        if (current?.number !== number) findings.onSession(undefined, number)
        else if (current.clientId !== undefined) readPart(state, current.clientId, key, reader)
      })
    }
  }
}

/**
 * Adds the queues of sessions whose deliveries nobody has counted, or whose count cannot be read. Their bytes are not
 * known.
 */
function addMissingQueues(state: BrokerState, environment: LmdbEnvironment): void {
  const counted = new Set(state.queues.map(({ clientId }) => clientId))
  const writer = new RecordWriter(64)
  for (const [clientId, number] of state.numbers) {
    if (counted.has(clientId)) continue
    const range = { start: deliveryKey(writer, number, 0), end: queueKey(writer, number) }
    let messages = 0
    let lastSequence = 0
    for (const key of environment.keysIn(range)) {
      messages++
      lastSequence = partNumberOf(key)
    }
    if (messages === 0) continue
    // Looked at for what others of its shared subscriptions might take, as nobody knows that there is nothing.
    state.queues.push({ clientId, queue: { messages, bytes: 0, lastSequence, hasShared: true } })
  }
}

/** Keys have no checksum, so they may be too short for what they are to say. */
function attempt({ onDamage }: Findings, key: Buffer, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (error instanceof StoreError && error.code === 'damaged') onDamage(key, error)
    else if (error instanceof RangeError) onDamage(key, damagedKey(key, error))
    else throw error
  }
}

function damagedKey(key: Buffer, cause: Error): StoreError {
  return new StoreError(
    'damaged',
    '',
    `a record has the key ${key.toString('hex')}, which no record can have`,
    {
      cause,
    },
  )
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
