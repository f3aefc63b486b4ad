import { Permissions } from '@jamey/auth'
import type { Address } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import type { Message, Principal, Sender } from '../model/message.js'
import { MessageError, RequestError } from '../support/errors.js'
import { decodeEnvelope, type Envelope } from '../wire/envelope.js'
import { ON_BEHALF_OF_PROPERTY, SENDER_PROPERTY, type ServerStamp } from '../wire/server-stamp.js'

/** Name of a property beside the sender: a client that it may act for, `+` for anybody. */
const ACT_FOR_PROPERTY = 'jamey-act-for'
/** Sets of permissions that callers of late had; each takes some microseconds to read. */
const PERMISSIONS_KEPT = 256
const MAXIMUM_KEPT_CHARACTERS = 4096

/** The sender of a message, and the client for whom it is. */
export type Origin = Pick<Message<unknown>, 'sender' | 'principal'>

/** A message that says it is from another client than the one that published it. */
export class SenderError extends MessageError {}

export interface OriginsParts {
  readonly stamp: ServerStamp
  /** Clients that may act for others where the server does not tell it. */
  readonly actFor: readonly string[]
}

/** Finds out from whom messages are: from the server that tells it, or else from a topic that only one may use. */
export class Origins {
  readonly #stamp: ServerStamp
  readonly #actFor: ReadonlySet<string>
  readonly #permissions = new Map<string, Permissions>()
  /** The origin of the last message: messages of one client often come in a row. */
  #last: Origin | undefined

  constructor({ stamp, actFor }: OriginsParts) {
    this.#stamp = stamp
    this.#actFor = new Set(actFor)
  }

  /** Throws `SenderError` where the message says something else than the server, or the topic, does. */
  of(message: MqttMessage, envelope: Envelope, address: Address | undefined): Origin {
    const claimed = envelope.metadata.client_id
    const verified = this.verified(message, address)
    assertOwnWords(message)
    if (verified === undefined) return originOf(claimed, false)
    if (verified !== claimed) {
      const fault = `must be who published the message, ${JSON.stringify(verified)}; it is ${JSON.stringify(claimed)}`
      throw new SenderError(message.topic, 'metadata.client_id', fault)
    }
    if (this.#last?.sender.clientId !== verified) this.#last = originOf(verified, true)
    return this.#last
  }

  /** The publisher, as far as the server vouches for it. Throws `SenderError` where the topic names another. */
  verified(message: MqttMessage, address: Address | undefined): string | undefined {
    const named = address?.sender
    if (!this.#stamp.selects(message.topic)) return named
    const stamped = stampIn(message)
    if (named === undefined || stamped === undefined || named === stamped) return stamped
    const fault = `must end with who published the message, ${JSON.stringify(stamped)}; it does with ${JSON.stringify(named)}`
    throw new SenderError(message.topic, 'topic', fault)
  }

  /**
   * For whom a request is made: its sender, unless it is made on behalf of another. Throws `RequestError`
   * `not-permitted` where its sender may not act for that one.
   */
  principalOf(message: MqttMessage, envelope: Envelope, { sender, principal }: Origin): Principal {
    const given = envelope.metadata.on_behalf_of
    if (given === undefined) return principal
    const { client_id: clientId, permissions } = given
    if (!this.#mayActFor(message, sender, clientId)) {
      const what = `${sender.clientId} may not act for ${clientId}`
      throw new RequestError('not-permitted', `${what}: it needs the permission act-for:${clientId}.`)
    }
    return { clientId, permissions: this.#permissionsOf(clientId, permissions) }
  }

  /**
   * The client for whom `sender`, who published the message as far as anybody vouches for it, says that it is; undefined
   * where nobody says it whose word is good.
   */
  actedFor(message: MqttMessage, sender: string | undefined): string | undefined {
    const whom = namedIn(message)
    const by = sender === undefined ? undefined : { clientId: sender, isVerified: true }
    const may = (other: string): boolean => by !== undefined && this.#mayActFor(message, by, other)
    if (whom !== undefined) return this.#stamp.guards(message.topic) || may(whom) ? whom : undefined
    const inside = by === undefined ? undefined : principalIn(message, by.clientId)
    return inside !== undefined && may(inside) ? inside : undefined
  }

  #mayActFor(message: MqttMessage, { clientId: sender, isVerified }: Sender, clientId: string): boolean {
    if (!isVerified) return false
    if (!this.#stamp.selects(message.topic)) return this.#actFor.has(sender)
    const told = message.properties?.userProperties ?? []
    return told.some(([name, whom]) => name === ACT_FOR_PROPERTY && (whom === '+' || whom === clientId))
  }

  #permissionsOf(clientId: string, list: readonly string[]): Permissions {
    const key = JSON.stringify([clientId, ...list])
    const known = this.#permissions.get(key)
    if (known !== undefined) return known
    let permissions: Permissions
    try {
      permissions = new Permissions(list, { clientId })
    } catch (error) {
      const what = `The permissions passed on for ${JSON.stringify(clientId)} cannot be read`
      throw new RequestError('not-permitted', `${what}: ${(error as Error).message}.`, { cause: error })
    }
    if (key.length > MAXIMUM_KEPT_CHARACTERS) return permissions
    if (this.#permissions.size >= PERMISSIONS_KEPT) this.#permissions.clear()
    this.#permissions.set(key, permissions)
    return permissions
  }
}

/** What a gateway passes on as it was given is no envelope of the gateway. */
function assertOwnWords({ topic, properties }: MqttMessage): void {
  const whom = properties?.userProperties?.find(([name]) => name === ON_BEHALF_OF_PROPERTY)?.[1]
  if (whom === undefined) return
  const fault = `must be who wrote the envelope; who published it says that it was written by ${JSON.stringify(whom)}`
  throw new SenderError(topic, 'metadata.client_id', fault)
}

/** The client that the message's property names; undefined where it names none, or several. */
function namedIn({ properties }: MqttMessage): string | undefined {
  const named = (properties?.userProperties ?? []).filter(([name]) => name === ON_BEHALF_OF_PROPERTY)
  return named.length === 1 ? named[0]?.[1] : undefined
}

/** The client for whom an envelope of `sender` says that it is. */
function principalIn({ topic, payload }: MqttMessage, sender: string): string | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  // Few messages are on behalf of anybody, and to read JSON costs more than to look for the word.
  if (!bytes.includes('"on_behalf_of"')) return undefined
  try {
    const { client_id, on_behalf_of } = decodeEnvelope(topic, payload).metadata
    return client_id === sender ? on_behalf_of?.client_id : undefined
  } catch {
    return undefined
  }
}

function originOf(clientId: string, isVerified: boolean): Origin {
  return { sender: { clientId, isVerified }, principal: { clientId, permissions: undefined } }
}

/** A server that stamps says it once; anything else is no word of it. */
function stampIn({ properties }: MqttMessage): string | undefined {
  let stamped: string | undefined
  for (const [name, value] of properties?.userProperties ?? []) {
    if (name !== SENDER_PROPERTY) continue
    if (stamped !== undefined) return undefined
    stamped = value
  }
  return stamped
}
