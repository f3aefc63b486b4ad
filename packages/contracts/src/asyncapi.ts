import { z } from 'zod'
import { remoteFailureSchema } from './api.js'
import { type Contract, isRequestContract, type RequestContract } from './contract.js'
import { envelopeSchema } from './envelope.js'
import { CONTRACTS } from './topics.js'

type Json = Record<string, unknown>

export interface AsyncApiOptions {
  /** 'Jamey' by default. */
  readonly title?: string | undefined
  /** Of what is described; '1' by default. */
  readonly version?: string | undefined
}

/**
 * `contracts`, all of Jamey's by default, as an AsyncAPI 3.0 document: a channel for each topic, a message for each
 * action and each answer with its data as JSON Schema (draft 7) within the envelope, and the operations of both sides:
 * `publish` and `subscribe`, or `request` and `serve`.
 *
 * Throws `TypeError` where two contracts have the same topic and action, or a schema is nothing that JSON Schema has.
 */
export function asyncApiDocument(
  contracts: readonly Contract[] = CONTRACTS,
  { title = 'Jamey', version = '1' }: AsyncApiOptions = {},
): Json {
  const named = namesOf(contracts)
  const channels: Json = {}
  const operations: Json = {}
  const messages: Json = {}
  for (const { contract, channel, message } of named) {
    messages[message] = messageOf(contract)
    channels[channel] = channelOf(contract, named)
    if (isRequestContract(contract)) {
      messages[answerTo(message)] = answerOf(contract)
      Object.assign(operations, requestOperations(contract, channel, message))
    } else {
      Object.assign(operations, messageOperations(contract, channel, message))
    }
  }
  const asked = named.filter(({ contract }) => isRequestContract(contract)).map(({ message }) => message)
  if (asked.length > 0) {
    channels[INBOX] = inboxOf(asked)
    messages[FAILURE] = FAILURE_MESSAGE
  }
  return {
    asyncapi: '3.0.0',
    info: { title, version, description: ABOUT, license: LICENSE },
    defaultContentType: 'application/json',
    servers: { broker: SERVER },
    channels,
    operations,
    components: { messages, schemas: { envelope: schemaOf(envelopeSchema) }, securitySchemes: SECURITY },
  }
}

const ABOUT =
  'Every message is one JSON object in UTF-8: the envelope, in which `payload.action` says what it is and `payload.data` has its data. ' +
  'Receivers pass over fields they do not know; in the data of a request an unknown field is refused. ' +
  'Where a server does not tell who published a message, a client publishes to `<topic>/<its client identifier>`, so subscribe to `<topic>/#`. ' +
  'Whoever publishes needs the permission `publish:<topic>`, whoever subscribes `subscribe:<topic>/#`, and whoever serves requests `subscribe:$share/<service>/<topic>/#`.'

const LICENSE: Json = { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' }

const SERVER: Json = {
  host: '{host}:{port}',
  protocol: 'secure-mqtt',
  protocolVersion: '5.0',
  description: 'Any MQTT broker that the system runs on, over TLS 1.3; MQTT 3.1.1 works, too.',
  variables: {
    host: { default: 'localhost', description: 'Its name, as its certificate has it.' },
    port: { default: '8883' },
  },
  security: ['token', 'certificate'].map((name) => ref('components', 'securitySchemes', name)),
}

const SECURITY: Json = {
  token: {
    type: 'userPassword',
    description:
      'The client identifier as user name, and as password a JSON Web Token with `sub` (the same), `iat`, `exp` and `permissions`.',
  },
  certificate: {
    type: 'X509',
    description:
      'A client certificate whose common name is the client identifier, in place of a token or beside it.',
  },
}

/** What the levels of our own topics that are parameters mean. */
const PARAMETERS: Readonly<Record<string, string>> = {
  client_id: 'The client identifier of who publishes there, which alone may.',
  request_digest: '`sha256:` and the SHA-256 of the payload of a request, as its verdict has it.',
  approval_id: 'A UUID, a dot, and the client identifier of the conscience that keeps the approval.',
  keeper: 'The client identifier of the conscience that keeps the approval.',
  group: 'The service whose members they are.',
}

const INBOX = 'inbox'
const FAILURE = 'failure'
const BINDING_VERSION = '0.2.0'

interface Named {
  readonly contract: Contract
  /** `jamey.events.status.client_id` of `jamey/events/status/{client_id}`. */
  readonly channel: string
  /** That of its channel and its action behind it. */
  readonly message: string
}

/** The keys of a document have letters, digits and `._-` alone. */
function namesOf(contracts: readonly Contract[]): Named[] {
  const topics = new Map<string, string>()
  const taken = new Set<string>()
  return contracts.map((contract) => {
    const { topic, action } = contract
    const channel = topic.replaceAll('/', '.').replace(/[^\w.-]/g, '')
    const message = `${channel}.${action.replace(/[^\w.-]/g, '_')}`
    if (taken.has(message) || (topics.get(channel) ?? topic) !== topic) {
      const other = topics.get(channel)
      const as = other === topic ? 'the same topic and action' : `a topic that reads like ${other}`
      throw new TypeError(`The contract '${action}' on ${topic} has ${as}; each has to have one of its own.`)
    }
    topics.set(channel, topic)
    taken.add(message)
    return { contract, channel, message }
  })
}

function channelOf({ topic }: Contract, named: readonly Named[]): Json {
  const own = named.filter(({ contract }) => contract.topic === topic)
  const parameters = [...topic.matchAll(/\{([a-z_]+)\}/g)].map(([, name = '']) => [
    name,
    { description: PARAMETERS[name] ?? 'One level of the topic, without `/`, `+` and `#`.' },
  ])
  return {
    address: topic,
    ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) }),
    messages: Object.fromEntries(own.map(({ message }) => [message, ref('components', 'messages', message)])),
  }
}

/** Its address is in the request that is answered, so that the channel has none. */
function inboxOf(asked: readonly string[]): Json {
  const messages = [...asked.map(answerTo), FAILURE].map((name) => [
    name,
    ref('components', 'messages', name),
  ])
  return {
    address: null,
    title: 'The inbox of whoever asks',
    description:
      'Below `jamey/api/responses/<client id>/<service>/`: the client alone may subscribe there, and the service alone may publish.',
    messages: Object.fromEntries(messages),
  }
}

function messageOf(contract: Contract): Json {
  const { action, description, schema } = contract
  const asks = isRequestContract(contract)
  return {
    name: action,
    summary: description,
    correlationId: { location: '$message.payload#/metadata/correlation_id' },
    payload: envelopeWith({ action: { const: action }, data: schemaOf(schema) }, asks ? ['reply_to'] : []),
    bindings: mqtt(asks ? { ...UTF8, ...ASKING } : UTF8),
  }
}

function answerOf({ action, responseSchema }: RequestContract): Json {
  return {
    name: action,
    title: `answer to ${action}`,
    correlationId: { location: '$message.payload#/metadata/correlation_id' },
    payload: envelopeWith({ action: { const: action }, data: schemaOf(responseSchema) }),
    bindings: mqtt({ ...UTF8, ...ANSWERING }),
  }
}

const UTF8: Json = { payloadFormatIndicator: 1, contentType: 'application/json' }
const ANSWERING: Json = {
  correlationData: { type: 'string', format: 'uuid', description: 'The text of the correlation id.' },
}
const ASKING: Json = {
  ...ANSWERING,
  responseTopic: { type: 'string', description: 'A topic in the inbox, at the level of the service.' },
}

const FAILURE_MESSAGE: Json = {
  name: FAILURE,
  title: 'a failure in place of an answer',
  summary: 'Act upon `kind`, show `message` to people, and try again only where `retryable` is true.',
  correlationId: { location: '$message.payload#/metadata/correlation_id' },
  payload: envelopeWith({ action: { type: 'string' }, error: schemaOf(remoteFailureSchema) }),
  bindings: mqtt({ ...UTF8, ...ANSWERING }),
}

/** The envelope whose payload has these fields, all of them, and whose metadata has those. */
function envelopeWith(fields: Json, metadata: readonly string[] = []): Json {
  return {
    allOf: [
      ref('components', 'schemas', 'envelope'),
      {
        type: 'object',
        properties: {
          payload: { type: 'object', required: Object.keys(fields), properties: fields },
          ...(metadata.length === 0 ? {} : { metadata: { type: 'object', required: metadata } }),
        },
      },
    ],
  }
}

function requestOperations(contract: RequestContract, channel: string, message: string): Json {
  const { service } = contract
  const reply = {
    address: { location: '$message.payload#/metadata/reply_to' },
    channel: ref('channels', INBOX),
    messages: [answerTo(message), FAILURE].map((name) => ref('channels', INBOX, 'messages', name)),
  }
  const common = { ...operationOf(contract, channel, message), reply }
  return {
    [`request.${message}`]: { action: 'send', title: 'Ask', ...common },
    [`serve.${message}`]: { action: 'receive', title: `Answer, as the service '${service}'`, ...common },
  }
}

function messageOperations(contract: Contract, channel: string, message: string): Json {
  const common = operationOf(contract, channel, message)
  return {
    [`publish.${message}`]: { action: 'send', title: 'Publish', ...common },
    [`subscribe.${message}`]: { action: 'receive', title: 'Receive', ...common },
  }
}

function operationOf({ description, qos, retain }: Contract, channel: string, message: string): Json {
  return {
    summary: description,
    channel: ref('channels', channel),
    messages: [ref('channels', channel, 'messages', message)],
    bindings: mqtt({ qos, retain }),
  }
}

function answerTo(message: string): string {
  return `${message}.answer`
}

function mqtt(binding: Json): Json {
  return { mqtt: { ...binding, bindingVersion: BINDING_VERSION } }
}

function ref(...path: readonly string[]): Json {
  return { $ref: `#/${path.join('/')}` }
}

/** What may stand on the wire: fields with a default may be missing. The default format of AsyncAPI is that of draft 7. */
function schemaOf(schema: z.ZodType): Json {
  try {
    const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
    return rest
  } catch (error) {
    throw new TypeError('A schema has something that JSON Schema has no words for.', { cause: error })
  }
}
