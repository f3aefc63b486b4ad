import { type Contract, isRequestContract } from '@jamey/contracts'
import { z } from 'zod'

/** Contracts as columns: topic, action, QoS, and what becomes of a message. */
export function formatContracts(contracts: readonly Contract[]): string {
  const topics = Math.max(0, ...contracts.map(({ topic }) => topic.length))
  const actions = Math.max(0, ...contracts.map(({ action }) => action.length))
  const lines = contracts.map((contract) => {
    const { topic, action, qos } = contract
    return `${topic.padEnd(topics)}  ${action.padEnd(actions)}  QoS ${qos}  ${fate(contract)}`.trimEnd()
  })
  return lines.join('\n')
}

/** One contract with its schemas, for people. */
export function formatContract(contract: Contract): string {
  const { topic, action, qos, description } = contract
  const facts = [`QoS ${qos}`, fate(contract)].filter((fact) => fact !== '').join(', ')
  const { schema, response_schema } = schemasOf(contract)
  const answer =
    response_schema === undefined ? [] : ['', 'answer:', JSON.stringify(response_schema, null, 2)]
  return [
    `${topic}  ${action}  (${facts})`,
    description,
    '',
    'data:',
    JSON.stringify(schema, null, 2),
    ...answer,
    '',
  ].join('\n')
}

/** A line of the list as JSON. */
export function jsonContractLine(contract: Contract): object {
  const { topic, action, qos, retain, description } = contract
  const service = isRequestContract(contract) ? { service: contract.service } : {}
  return { topic, action, qos, retain, ...service, description }
}

/** All of a contract as JSON. */
export function jsonContract(contract: Contract): object {
  return { ...jsonContractLine(contract), ...schemasOf(contract) }
}

function fate(contract: Contract): string {
  if (isRequestContract(contract)) return `answered by ${contract.service}`
  return contract.retain ? 'retained' : ''
}

function schemasOf(contract: Contract): { schema: object; response_schema?: object } {
  const schema = z.toJSONSchema(contract.schema, { io: 'input' })
  if (!isRequestContract(contract)) return { schema }
  return { schema, response_schema: z.toJSONSchema(contract.responseSchema, { io: 'input' }) }
}
