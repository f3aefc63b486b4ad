import {
  CONTRACTS,
  type Contract,
  isRequestContract,
  parametersOf,
  type RequestContract,
  topics,
} from '@jamey/contracts'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { GatewayBus } from '../api/gateway-bus.js'
import { MESSAGES_PATH, REQUESTS_PATH } from '../api/live-endpoints.js'
import { timeoutOf, traceparentOf } from '../callers/call-headers.js'
import { type Caller, passedOn, requirePublish, requireToken } from '../callers/caller.js'
import { excerpt, parseInput } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'
import { refusalOf, requireOfGateway } from './gateway-permission.js'
import { contentOf, type MessageBody, messageBodySchema, requestBodySchema } from './message-body.js'

/** User property of a message without an envelope: the client that the gateway published it for. */
export const ON_BEHALF_OF_PROPERTY = 'jamey-on-behalf-of'
const MAXIMUM_TOPIC_CHARACTERS = 1_024
const OURS = 'jamey/'
/** In the messages of all others a component speaks of itself, or of its own work, which nobody else can do for it. */
const PUBLISHED_FOR_OTHERS: readonly Contract[] = [topics.events.errors]

export interface MessagesRoute {
  readonly bus: GatewayBus
  /** Who calls, and how often. */
  readonly gates: onRequestHookHandler[]
  readonly callerOf: (request: FastifyRequest) => Caller
  /** Throws where no call can be sent; gives the signal that ends one. */
  readonly begin: (reply: FastifyReply) => AbortSignal
}

/** `POST /v1/messages/{topic}` and `POST /v1/requests/{topic}`. */
export function addMessageRoutes(app: FastifyInstance, route: MessagesRoute): void {
  const { bus, callerOf, begin } = route
  // A body is read only where its sender may send it.
  const permit = async (request: FastifyRequest): Promise<void> => {
    const caller = callerOf(request)
    requireToken(caller)
    requirePublish(caller, topicOf(request, caller))
  }
  const onRequest = [...route.gates, permit]
  app.route({
    method: 'POST',
    url: MESSAGES_PATH,
    onRequest,
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const body = parseInput(messageBodySchema, request.body)
      const topic = topicOf(request, caller)
      const sent = publish(bus, caller, topic, body, () => begin(reply))
      const { reasonCode } = await sent.catch((error: unknown) => {
        throw refusalOf(error, topic)
      })
      return { accepted: true, reason_code: reasonCode }
    },
  })
  app.route({
    method: 'POST',
    url: REQUESTS_PATH,
    onRequest,
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const { payload = {}, action, timeout_ms } = parseInput(requestBodySchema, request.body)
      const contract = requestContractAt(topicOf(request, caller), action)
      const data = parseInput(contract.schema, payload)
      requireOfGateway(bus, 'publish', contract.topic)
      const traceparent = traceparentOf(request.headers)
      const answer = await bus.request(contract, data, {
        timeoutMs: timeout_ms ?? timeoutOf(request.headers),
        signal: begin(reply),
        correlationId: request.id,
        onBehalfOf: passedOn(caller),
        ...(traceparent === undefined ? {} : { traceparent }),
      })
      return { payload: answer, service: contract.service }
    },
  })
}

/** The topic in the path. Throws a `Problem` 400 where it is none that is published to. */
function topicOf({ params }: FastifyRequest, { permissions }: Caller): string {
  const topic = (params as { '*': string })['*']
  const isTopic = permissions.decide('publish', topic).ruling !== 'invalid'
  if (isTopic && !topic.startsWith('$') && topic.length <= MAXIMUM_TOPIC_CHARACTERS) return topic
  const detail = `The topic must be a topic name of MQTT of at most ${MAXIMUM_TOPIC_CHARACTERS} characters that does not begin with $; found ${excerpt(topic)}.`
  throw new Problem('invalid-input', detail, { field: 'topic' })
}

async function publish(
  bus: GatewayBus,
  caller: Caller,
  topic: string,
  body: MessageBody,
  begin: () => AbortSignal,
): Promise<{ readonly reasonCode: number }> {
  const { clientId } = caller.permissions
  const contract = contractAt(topic)
  if (contract !== undefined) {
    const data = parseInput(contract.schema, dataOf(body, topic))
    requireOfGateway(bus, 'publish', bus.topicFor(topic))
    const onBehalfOf = { clientId, permissions: [`publish:${topic}`] }
    return bus.publish(contract, data, { onBehalfOf, signal: begin() })
  }
  const { bytes, contentType, isText } = contentOf(body)
  assertNoEnvelopeOf(bus.permissions.clientId, bytes)
  requireOfGateway(bus, 'publish', topic)
  const signal = begin()
  if (bus.mqtt.serverInformation?.protocolVersion === 4) {
    throw new Problem(
      'unavailable',
      'The gateway speaks MQTT 3.1.1 with its broker, which has no place to say for whom a message is.',
    )
  }
  return bus.mqtt.publish(topic, bytes, {
    qos: body.qos ?? 1,
    retain: body.retain ?? false,
    signal,
    properties: {
      ...(contentType === undefined ? {} : { contentType }),
      ...(isText ? { payloadFormatIndicator: 1 as const } : {}),
      userProperties: [[ON_BEHALF_OF_PROPERTY, clientId]],
    },
  })
}

/**
 * Whoever gets an envelope of the gateway, which the server vouches for, believes what it says of others: the gateway may
 * act for them. So it writes its envelopes itself. Throws a `Problem` 400.
 */
function assertNoEnvelopeOf(clientId: string, bytes: Uint8Array): void {
  if (envelopeClient(bytes) !== clientId) return
  const detail = `An envelope of ${clientId} is written by the gateway alone; /v1/requests asks on behalf of its caller.`
  throw new Problem('invalid-input', detail, { field: 'payload' })
}

function envelopeClient(bytes: Uint8Array): unknown {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as { metadata?: { client_id?: unknown } } | null
    return found?.metadata?.client_id
  } catch {
    return undefined
  }
}

/** The contract of a topic that is published to for others; undefined for a topic of somebody's own. */
function contractAt(topic: string): Contract | undefined {
  const contracts = CONTRACTS.filter((contract) => parametersOf(contract, topic) !== undefined)
  const found = contracts.find((contract) => PUBLISHED_FOR_OTHERS.includes(contract))
  if (found !== undefined || !topic.startsWith(OURS)) return found
  const detail = contracts.some(isRequestContract)
    ? `What is published to ${topic} is answered: use /v1/requests/${topic}.`
    : `What is published to ${topic} says something of its sender or of its work, which nobody can say for it.`
  throw new Problem('invalid-input', detail, { field: 'topic' })
}

/** The data for a contract, which itself says how it is sent. */
function dataOf({ payload, ...others }: MessageBody, topic: string): unknown {
  const [name] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return payload
  throw new Problem('invalid-input', `${topic} takes a payload alone: its contract says the rest.`, {
    field: name,
  })
}

/** The contract of a request at its topic. Throws a `Problem` 400 that says which there are. */
function requestContractAt(topic: string, action: string | undefined): RequestContract {
  const contracts = CONTRACTS.filter(isRequestContract).filter(
    (contract) => parametersOf(contract, topic) !== undefined,
  )
  if (contracts.length === 0) {
    throw new Problem('invalid-input', `There are no requests at ${topic}.`, { field: 'topic' })
  }
  const contract =
    action === undefined ? contracts[0] : contracts.find((candidate) => candidate.action === action)
  if (contract !== undefined) return { ...contract, topic }
  const known = contracts.map((candidate) => candidate.action).join(', ')
  const detail = `action is not acceptable: expected one of ${known}; found ${excerpt(action)}.`
  throw new Problem('invalid-input', detail, { field: 'action' })
}
