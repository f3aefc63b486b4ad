import type { z } from 'zod'

/**
 * One kind of message: where it travels, what it is called, how it is delivered and what its data looks like.
 *
 * On the wire the data stands inside the envelope as `payload: { action, data }`; several contracts may share a
 * topic and are told apart by their action.
 */
export interface Contract<Schema extends z.ZodType = z.ZodType> {
  /** The topic, with `{name}` for each level that is a parameter: `jamey/events/status/{client_id}`. */
  readonly topic: string
  /** The word in `payload.action`. */
  readonly action: string
  /** 0 where the next message makes up for a lost one, 1 for everything operational; 2 is not used. */
  readonly qos: 0 | 1
  /** Whether the server keeps the last message for later subscribers. */
  readonly retain: boolean
  /** The shape of `payload.data`. */
  readonly schema: Schema
  readonly description: string
}

/** A contract whose messages are answered; the answer's `payload.data` has the shape of `responseSchema`. */
export interface RequestContract<
  Schema extends z.ZodType = z.ZodType,
  ResponseSchema extends z.ZodType = z.ZodType,
> extends Contract<Schema> {
  readonly responseSchema: ResponseSchema
  /**
   * Who answers, as one topic level: the group of its members, and the level of the reply inboxes that it alone may
   * publish to (`inboxTopic`).
   */
  readonly service: string
  /**
   * Whether the answer says what it is about: its data has the fields of `Binding`, which the requester compares with
   * what it asked. False unless given.
   */
  readonly isBound?: boolean
  /**
   * Whether to carry a request out twice, perhaps at two members of a group, is as good as once; then requesters send
   * it again where no answer comes. False unless given.
   */
  readonly isRepeatable?: boolean
  /**
   * The most bytes that a request has, envelope and all: a larger one is refused before it is read. Those of one topic
   * have the same. No bound of its own unless given.
   */
  readonly maximumBytes?: number
}

/** What ties an answer to its request, so that it proves nothing about another one. */
export interface Binding {
  /** `sha256:` and the SHA-256 of the request's `payload` as canonical JSON (RFC 8785), in lower-case hex. */
  readonly request_digest: string
  /** The client identifier of the principal: who asked, or for whom was asked. */
  readonly requested_by: string
  /** That of the request's envelope. */
  readonly correlation_id: string
}

/** What a sender gives: fields with a default may be left out. */
export type DataInput<C extends Contract> = z.input<C['schema']>
/** What a receiver gets: every default filled in. */
export type Data<C extends Contract> = z.output<C['schema']>
/** What a handler returns. */
export type ResponseInput<C extends RequestContract> = z.input<C['responseSchema']>
/** What a requester gets. */
export type ResponseData<C extends RequestContract> = z.output<C['responseSchema']>

/** Values for the `{name}` levels of a contract's topic. */
export type TopicParameters = Readonly<Record<string, string>>

const PARAMETER = /\{([a-z_]+)\}/g

/**
 * The topic that a message of `contract` is published to: `jamey/events/status/{client_id}` with
 * `{ client_id: 'a' }` is `jamey/events/status/a`.
 *
 * Throws `TypeError` where a parameter is missing or is not one plain topic level, since a slash or wildcard in
 * a parameter would address somebody else's topic.
 */
export function topicOf(contract: Pick<Contract, 'topic'>, parameters: TopicParameters = {}): string {
  if (!contract.topic.includes('{')) return contract.topic
  return contract.topic.replace(PARAMETER, (_, name: string) => {
    const value = parameters[name]
    if (value === undefined) throw new TypeError(`Topic ${contract.topic} needs the parameter ${name}.`)
    return level(contract.topic, name, value)
  })
}

/** The filter that selects messages of `contract`: a parameter that is not given matches any value (`+`). */
export function filterOf(contract: Pick<Contract, 'topic'>, parameters: TopicParameters = {}): string {
  if (!contract.topic.includes('{')) return contract.topic
  return contract.topic.replace(PARAMETER, (_, name: string) => {
    const value = parameters[name]
    return value === undefined ? '+' : level(contract.topic, name, value)
  })
}

/** The parameters that stand in `topic`, by name; undefined when `topic` is none of the contract's. */
export function parametersOf(contract: Pick<Contract, 'topic'>, topic: string): TopicParameters | undefined {
  const pattern = contract.topic.split('/')
  const levels = topic.split('/')
  if (pattern.length !== levels.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [i, expected] of pattern.entries()) {
    const found = levels[i] ?? ''
    if (expected.startsWith('{')) parameters[expected.slice(1, -1)] = found
    else if (expected !== found) return undefined
  }
  return parameters
}

/** Whether messages of `contract` are answered. */
export function isRequestContract(contract: Contract): contract is RequestContract {
  return 'responseSchema' in contract
}

function level(topic: string, name: string, value: string): string {
  if (value !== '' && !/[/+#\0]/.test(value)) return value
  throw new TypeError(
    `Parameter ${name} of topic ${topic} must be one topic level without '/', '+', '#'; it is ${JSON.stringify(value)}.`,
  )
}
