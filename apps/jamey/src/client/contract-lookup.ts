import {
  CONTRACTS,
  type Contract,
  isRequestContract,
  parametersOf,
  type RequestContract,
  type TopicParameters,
} from '@jamey/contracts'
import { z } from 'zod'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

/** A message of a contract as typed on the command line: the data, or `{"action": ..., "data": ...}`. */
export interface Enveloped<C extends Contract = Contract> {
  readonly contract: C
  readonly parameters: TopicParameters
  readonly data: unknown
}

/** The contracts of a topic; empty for a topic that is nobody's contract. */
function contractsOf(topic: string): Contract[] {
  return CONTRACTS.filter((contract) => parametersOf(contract, topic) !== undefined)
}

/**
 * Which message of the topic's contracts a payload is; undefined for a topic without a contract. With `action` the
 * payload is the data of that action, on a topic of anybody's own, too.
 */
export function envelopedMessage(topic: string, payload: string, action?: string): Enveloped | undefined {
  const contracts = contractsOf(topic)
  if (action === undefined) return choose(topic, payload, contracts)
  return contracts.length === 0
    ? ownMessage(topic, payload, action)
    : withAction(topic, contracts, action, parseObject(topic, payload))
}

/** The contract of a request, for a topic; one whose messages nobody answers is an error. */
export function envelopedRequest(
  topic: string,
  payload: string,
  { action, service }: { readonly action?: string; readonly service?: string } = {},
): Enveloped<RequestContract> | undefined {
  const contracts = contractsOf(topic)
  const answered = contracts.filter(isRequestContract)
  if (contracts.length > 0 && answered.length === 0) {
    throw new CommandFailure(`messages on ${topic} are not answered: ${contracts[0]?.description}`, {
      code: 'not-a-request',
      exitCode: EXIT.usage,
      hint: `\`jamey pub ${topic} PAYLOAD\``,
    })
  }
  if (action === undefined) return choose(topic, payload, answered)
  return contracts.length === 0
    ? ownMessage(topic, payload, action, service)
    : withAction(topic, answered, action, parseObject(topic, payload))
}

/** A contract that nobody told us of: whatever is JSON is its data, and whoever serves it checks that. */
function ownMessage(
  topic: string,
  payload: string,
  action: string,
  service = serviceOf(topic),
): Enveloped<RequestContract> {
  const contract = {
    topic,
    action,
    qos: 1,
    retain: false,
    schema: z.unknown(),
    responseSchema: z.unknown(),
    service,
    description: 'A contract of an own program.',
  } as const
  return { contract, parameters: {}, data: payload.trim() === '' ? {} : parseJson(topic, payload) }
}

/**
 * The service that answers on a topic, where nobody says it: its contract's, else the topic's first level but `jamey`.
 */
export function serviceOf(topic: string): string {
  const contract = contractsOf(topic).find(isRequestContract)
  if (contract !== undefined) return contract.service
  const [first = '', second] = topic.split('/')
  return first === 'jamey' && second !== undefined ? second : first
}

function withAction<C extends Contract>(
  topic: string,
  contracts: readonly C[],
  action: string,
  data: unknown,
): Enveloped<C> {
  const contract = contracts.find((candidate) => candidate.action === action)
  if (contract !== undefined) return { contract, parameters: parametersOf(contract, topic) ?? {}, data }
  const known = contracts.map((candidate) => `"${candidate.action}"`).join(', ')
  throw new CommandFailure(
    `the action on ${topic} must be one of ${known}; it is ${JSON.stringify(action)}`,
    {
      code: 'unknown-action',
      exitCode: EXIT.usage,
    },
  )
}

function choose<C extends Contract>(
  topic: string,
  payload: string,
  contracts: readonly C[],
): Enveloped<C> | undefined {
  const [first] = contracts
  if (first === undefined) return undefined
  const value = parseObject(topic, payload)
  const isPair =
    typeof value['action'] === 'string' &&
    'data' in value &&
    Object.keys(value).every((key) => key === 'action' || key === 'data')
  if (!isPair) return { contract: first, parameters: parametersOf(first, topic) ?? {}, data: value }
  return withAction(topic, contracts, value['action'] as string, value['data'])
}

/** The data with its defaults filled in; what does not fit the contract is told by field. */
export function checkedData(contract: Contract, topic: string, data: unknown): unknown {
  const parsed = contract.schema.safeParse(data)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${['data', ...path].join('.')}: ${message}`)
  throw new CommandFailure(`not a message of '${contract.action}' on ${topic}: ${faults.join('; ')}`, {
    code: 'message-invalid',
    exitCode: EXIT.usage,
    hint: 'correct the field, or send the bytes as they are with --raw',
  })
}

function parseJson(topic: string, payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch (error) {
    throw new CommandFailure(`the data for ${topic} is no JSON: ${(error as Error).message}`, {
      code: 'invalid-payload',
      exitCode: EXIT.usage,
      hint: `text is JSON in quotes: '"two words"'; without --action the bytes are sent as they are`,
    })
  }
}

function parseObject(topic: string, payload: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(payload)
  } catch (error) {
    throw notAnObject(topic, (error as Error).message)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw notAnObject(
      topic,
      `it is ${Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`}`,
    )
  }
  return value as Record<string, unknown>
}

function notAnObject(topic: string, found: string): CommandFailure {
  return new CommandFailure(`${topic} takes a JSON object: ${found}`, {
    code: 'invalid-payload',
    exitCode: EXIT.usage,
    hint: 'give the data of its contract as JSON, or send the bytes as they are with --raw',
  })
}
