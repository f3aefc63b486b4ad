import type { MemoryLayer } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { contractIn } from '../../client/memory-reach.js'
import { EXIT } from '../../support/exit-codes.js'
import { given } from '../../support/given.js'
import { plural } from '../../support/quantities.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { formatStats } from '../../views/memory-details.js'

export interface UpkeepOptions extends ClientOptions {
  readonly others?: boolean
  readonly owner?: string
  readonly timeout: number
}

export interface ConsolidateOptions extends UpkeepOptions {
  readonly layer?: MemoryLayer
  readonly dryRun?: boolean
}

/** Prints how many memories there are, of what kind and how large. */
export async function memoryStats(context: CommandContext, options: UpkeepOptions): Outcome {
  const { terminal, interrupted } = context
  const { owner, timeout } = options
  const stats = await withBus(context, options, (bus) =>
    bus.request(contractIn(bus, 'stats', options), given({ owner }), {
      timeoutMs: timeout,
      signal: interrupted,
    }),
  )
  if (options.json) terminal.printJson(stats)
  else terminal.print(formatStats(stats, context.now()))
  return EXIT.success
}

/** Has the memory merge what is nearly the same, keep what is recalled often, and make room. */
export async function consolidateMemories(context: CommandContext, options: ConsolidateOptions): Outcome {
  const { terminal, interrupted } = context
  const { owner, layer, dryRun, timeout } = options
  const done = await withBus(context, options, (bus) =>
    bus.request(contractIn(bus, 'consolidate', options), given({ owner, layer, dry_run: dryRun }), {
      timeoutMs: timeout,
      signal: interrupted,
    }),
  )
  if (options.json) terminal.printJson(done)
  else {
    const parts = [
      `${plural(done.merged, 'memory', 'memories')} merged into others`,
      `${done.promoted.toLocaleString('en-US')} kept for good`,
      `${done.evicted.toLocaleString('en-US')} let go for want of room`,
    ]
    terminal.print(`${dryRun === true ? 'would be: ' : ''}${parts.join(', ')}`)
  }
  return EXIT.success
}
