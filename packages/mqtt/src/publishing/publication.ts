import {
  isBytes,
  notOfType,
  type Publish,
  type PublishProperties,
  type Pubrec,
  type QoS,
} from '@jamey/protocol'
import type { PublishOptions, PublishResult } from '../model/options.js'
import type { StoredPublish } from '../model/session-store.js'
import { NO_BYTES, utf8Encode } from '../support/bytes.js'
import type { Deadline } from '../support/deadline.js'
import { unfit } from './publish-errors.js'

/**
 * `storing`: waits for the SessionStore. `queued`: waits for its turn. `sent`: PUBLISH is out, no answer yet.
 * `released`: PUBREC came, PUBREL is due or out. `settled`: nothing is expected any more.
 */
export type Stage = 'storing' | 'queued' | 'sent' | 'releasing' | 'released' | 'settled'

/**
 * One message on its way out: the packet, the record and the waiting caller in one object of fixed shape, since there
 * are a great many of them.
 */
export class Publication implements Publish, StoredPublish {
  readonly type = 'publish'
  readonly topic: string
  payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  properties: PublishProperties | undefined
  dup = false
  packetIdentifier = 0
  sequence = 0
  stage: Stage = 'queued'
  /** Bytes that it counts for in the bounds of the queue. */
  readonly bytes: number
  /** Moment at which it was queued, or published where it may grow too old. */
  queuedAt: number | undefined = undefined
  /** Nobody waits any more: the exchange is completed, but nothing is begun anew for it. */
  isAbandoned = false
  settlesWhenStored = false
  /**
   * QoS 2, and an earlier process may have sent it: its exchange has to be completed, or the server would take the next
   * message with its packet identifier for a repetition.
   */
  isInDoubt = false
  /** The SessionStore knows of it. */
  isRecorded = true
  /** A refusal with 0x97 slows down what follows. */
  isPaced = true
  /** The PUBREC that had something to say, such as 0x10: PUBCOMP does not repeat it. */
  received: Pubrec | undefined = undefined
  resolve: ((result: PublishResult) => void) | undefined = undefined
  reject: ((error: Error) => void) | undefined = undefined
  deadline: Deadline | undefined = undefined

  constructor(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    properties: PublishProperties | undefined,
  ) {
    this.topic = topic
    this.payload = payload
    this.qos = qos
    this.retain = retain
    this.properties = properties
    this.bytes = topic.length + payload.length
  }

  /** True where somebody waits for the server's answer. */
  get hasCaller(): boolean {
    return this.reject !== undefined
  }

  /** The store has the payload; it comes back with `reload`. */
  unload(): void {
    this.payload = NO_BYTES
  }

  reload({ payload }: StoredPublish): void {
    this.payload = payload
  }

  settle(result: PublishResult): void {
    this.deadline?.cancel()
    this.deadline = undefined
    const { resolve } = this
    this.resolve = this.reject = undefined
    resolve?.(result)
  }

  fail(error: Error): void {
    this.deadline?.cancel()
    this.deadline = undefined
    const { reject } = this
    this.resolve = this.reject = undefined
    reject?.(error)
  }
}

/** A message at QoS 0: the packet alone, since nothing of it is left once it is written. */
export function makePacket(topic: string, payload: Uint8Array | string, options: PublishOptions): Publish {
  return {
    type: 'publish',
    topic,
    payload: bytesOf(payload),
    qos: 0,
    retain: options.retain ?? false,
    dup: false,
    packetIdentifier: 0,
    properties: options.properties,
  }
}

/** A message at QoS 1 or 2. */
export function makePublication(
  topic: string,
  payload: Uint8Array | string,
  { qos, retain, properties, isDurable, isPaced }: PublishOptions,
): Publication {
  const publication = new Publication(topic, bytesOf(payload), qos ?? 0, retain ?? false, properties)
  publication.isRecorded = isDurable !== false || qos === 2
  publication.isPaced = isPaced !== false
  return publication
}

function bytesOf(payload: Uint8Array | string): Uint8Array {
  if (typeof payload === 'string') return utf8Encode(payload)
  if (isBytes(payload)) return payload
  throw unfit(notOfType('payload', payload, 'text or a Uint8Array'))
}

/** A message that was published earlier, perhaps by another process. */
export function publicationOf(stored: StoredPublish): Publication {
  const { topic, payload, qos, retain, properties } = stored
  const publication = new Publication(topic, payload, qos, retain, properties)
  publication.sequence = stored.sequence
  return publication
}
