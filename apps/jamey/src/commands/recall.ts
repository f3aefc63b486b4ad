import type { MemoryLayer } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { queryIn } from '../client/memory-reach.js'
import { EXIT } from '../support/exit-codes.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { formatRecalled } from '../views/memory-view.js'

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
    )
  })
  if (options.json) terminal.printJson(recalled)
  else {
    terminal.print(
      formatRecalled(recalled, { colors: terminal.colors, columns: terminal.columns, now: context.now() }),
    )
  }
  return EXIT.success
}
