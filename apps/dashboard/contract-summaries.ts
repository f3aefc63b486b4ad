import { CONTRACTS } from '@jamey/contracts'
import type { ContractSummary } from './src/api/contracts.js'

/** What the page knows of each contract, to help whoever publishes or asks by hand; as little as does. */
export function contractSummaries(): ContractSummary[] {
  return CONTRACTS.map((contract) => {
    const { properties = {}, required = [] } = contract.schema.toJSONSchema({
      io: 'input',
      unrepresentable: 'any',
    })
    return {
      topic: contract.topic,
      action: contract.action,
      isRequest: 'responseSchema' in contract,
      fields: Object.entries(properties).map(
        ([name, schema]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)}`,
      ),
    }
  })
}

function typeOf(schema: unknown): string {
  const { type } = schema as { type?: string }
  return type ?? 'any'
}
