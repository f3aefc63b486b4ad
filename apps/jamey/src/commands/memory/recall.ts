import type { MemoryLayer, MemoryQueryInput } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { type CircumstanceOptions, circumstancesOf, queryIn } from '../../client/memory-reach.js'
import { EXIT } from '../../support/exit-codes.js'
import { given } from '../../support/given.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { viewOf } from '../../terminal/view.js'
import { formatRecalled } from '../../views/memory-view.js'

export interface RecallOptions extends ClientOptions, CircumstanceOptions {
  readonly layer?: MemoryLayer[]
  readonly tag?: string[]
  readonly from?: string
  readonly to?: string
  readonly asOf?: string
  readonly all?: boolean
  readonly explain?: boolean
  readonly limit: number
  readonly cursor?: string
  readonly others?: boolean
  readonly owner?: string
  readonly timeout: number
}

/** Finds memories and prints them ranked; finding nothing is an answer, not a failure. */
export async function recall(
  context: CommandContext,
  query: string | undefined,
  options: RecallOptions,
): Outcome {
  const { terminal, interrupted } = context
  const recalled = await withBus(context, options, (bus) => {
    const { contract, owner } = queryIn(bus, options)
    return bus.request(
      contract,
      { ...owner, ...queryOf(query, options) },
      { timeoutMs: options.timeout, signal: interrupted },
    )
  })
  if (options.json) terminal.printJson(recalled)
  else terminal.print(formatRecalled(recalled, viewOf(context)))
  return EXIT.success
}

function queryOf(query: string | undefined, options: RecallOptions): MemoryQueryInput {
  const { layer: layers, tag: tags, from, to, asOf, all, explain, cursor, limit } = options
  return {
    ...given({
      query: query === '' ? undefined : query,
      layers,
      tags,
      from,
      to,
      as_of: asOf,
      include_superseded: all,
      explain,
      cursor,
    }),
    ...circumstancesOf(options),
    limit,
  }
}
