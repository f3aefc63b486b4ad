import { type MemoryLayer, topics } from '@jamey/contracts'
import type { ClientOptions, CommandContext, Outcome } from '../command-context.js'
import { withBus } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { formatRecalled } from '../memory-view.js'

export interface RecallOptions extends ClientOptions {
  readonly layer?: MemoryLayer[]
  readonly tag?: string[]
  readonly from?: string
  readonly to?: string
  readonly limit: number
  readonly others?: boolean
  readonly owner?: string
  readonly timeout: number
}

/** Where everybody's memories, or those of one owner, are asked for; without either, its own and what is shared. */
export function queryOf({ others, owner }: Pick<RecallOptions, 'others' | 'owner'>) {
  if (owner !== undefined) return { contract: topics.memory.others.query, owner: { owner } }
  return { contract: others === true ? topics.memory.others.query : topics.memory.query, owner: {} }
}

/** Finds memories and prints them ranked; finding nothing is an answer, not a failure. */
export async function recall(
  context: CommandContext,
  query: string | undefined,
  options: RecallOptions,
): Outcome {
  const { terminal, interrupted } = context
  const { contract, owner } = queryOf(options)
  const recalled = await withBus(context, options, (bus) =>
    bus.request(
      contract,
      {
        ...owner,
        ...(query === undefined || query === '' ? {} : { query }),
        ...(options.layer === undefined ? {} : { layers: options.layer }),
        ...(options.tag === undefined ? {} : { tags: options.tag }),
        ...(options.from === undefined ? {} : { from: options.from }),
        ...(options.to === undefined ? {} : { to: options.to }),
        limit: options.limit,
      },
      { timeoutMs: options.timeout, signal: interrupted },
    ),
  )
  if (options.json) terminal.printJson(recalled)
  else {
    terminal.print(
      formatRecalled(recalled, { colors: terminal.colors, columns: terminal.columns, now: context.now() }),
    )
  }
  return EXIT.success
}
