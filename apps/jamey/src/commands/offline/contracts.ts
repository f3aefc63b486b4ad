import { asyncApiDocument, CONTRACTS, type Contract, parametersOf } from '@jamey/contracts'
import { contractsIn } from '../../client/contract-module.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { formatContract, formatContracts, jsonContract, jsonContractLine } from '../../views/contract-view.js'

export interface ContractsOptions {
  readonly module?: string
  readonly json?: boolean
}

export interface ShowOptions extends ContractsOptions {
  readonly action?: string
}

export interface AsyncApiCommandOptions {
  readonly module?: string
  readonly title: string
  readonly contractsVersion: string
}

/** Lists contracts, a line each. */
export async function contractsList(context: CommandContext, { module, json }: ContractsOptions): Outcome {
  const { terminal } = context
  const contracts = await contractsOf(context, module)
  if (json) for (const contract of contracts) terminal.printJson(jsonContractLine(contract))
  else terminal.print(formatContracts(contracts))
  return EXIT.success
}

/** Shows the contracts of one topic, which is one that messages are published to, or as the contract has it. */
export async function contractsShow(context: CommandContext, topic: string, options: ShowOptions): Outcome {
  const { terminal } = context
  const { module, action, json } = options
  const ofTopic = (await contractsOf(context, module)).filter(
    (contract) => contract.topic === topic || parametersOf(contract, topic) !== undefined,
  )
  const shown = ofTopic.filter((contract) => action === undefined || contract.action === action)
  if (shown.length === 0) throw unknownContract(topic, action, ofTopic)
  for (const contract of shown) {
    if (json) terminal.printJson(jsonContract(contract))
    else terminal.print(formatContract(contract))
  }
  return EXIT.success
}

/** Prints one AsyncAPI document, on a terminal as elsewhere. */
export async function contractsAsyncApi(context: CommandContext, options: AsyncApiCommandOptions): Outcome {
  const { module, title, contractsVersion: version } = options
  const document = asyncApiDocument(await contractsOf(context, module), { title, version })
  context.terminal.print(JSON.stringify(document, null, 2))
  return EXIT.success
}

async function contractsOf(
  { cwd }: CommandContext,
  module: string | undefined,
): Promise<readonly Contract[]> {
  return module === undefined ? CONTRACTS : await contractsIn(module, cwd)
}

function unknownContract(
  topic: string,
  action: string | undefined,
  ofTopic: readonly Contract[],
): CommandFailure {
  if (ofTopic.length === 0) {
    return new CommandFailure(`no contract has the topic ${topic}`, {
      code: 'unknown-contract',
      exitCode: EXIT.usage,
      hint: '`jamey contracts list`',
    })
  }
  const known = ofTopic.map((contract) => `"${contract.action}"`).join(', ')
  return new CommandFailure(
    `the action on ${topic} must be one of ${known}; it is ${JSON.stringify(action)}`,
    { code: 'unknown-action', exitCode: EXIT.usage },
  )
}
