import {
  CONTRACTS,
  type Contract,
  isRequestContract,
  parametersOf,
  type RequestContract,
  type TopicParameters,
} from '@jamey/contracts'
import { EXIT } from './exit-codes.js'
import { CommandFailure } from './failure.js'

/** A message of a contract as typed on the command line: the data, or `{"action": ..., "data": ...}`. */
export interface Enveloped<C extends Contract = Contract> {
  readonly contract: C
  readonly parameters: TopicParameters
  readonly data: unknown
}

/** The contracts of a topic; empty for a topic that is nobody's contract. */
export function contractsOf(topic: string): Contract[] {
  return CONTRACTS.filter((contract) => parametersOf(contract, topic) !== undefined)
}

/** Which message of the topic's contracts a payload is; undefined for a topic without a contract. */
export function envelopedMessage(topic: string, payload: string): Enveloped | undefined {
  return choose(topic, payload, contractsOf(topic))
}

/** The same among the contracts that are answered; a topic whose messages nobody answers is an error. */
export function envelopedRequest(topic: string, payload: string): Enveloped<RequestContract> | undefined {
  const contracts = contractsOf(topic)
  const answered = contracts.filter(isRequestContract)
  if (contracts.length > 0 && answered.length === 0) {
    throw new CommandFailure(`messages on ${topic} are not answered: ${contracts[0]?.description}`, {
      code: 'not-a-request',
      exitCode: EXIT.usage,
      hint: `\`jamey pub ${topic} PAYLOAD\``,
    })
  }
  return choose(topic, payload, answered)
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
  const contract = contracts.find(({ action }) => action === value['action'])
  if (contract === undefined) {
    const known = contracts.map(({ action }) => `"${action}"`).join(', ')
    throw new CommandFailure(
      `payload.action on ${topic} must be one of ${known}; it is ${JSON.stringify(value['action'])}`,
      { code: 'unknown-action', exitCode: EXIT.usage },
    )
  }
  return { contract, parameters: parametersOf(contract, topic) ?? {}, data: value['data'] }
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
