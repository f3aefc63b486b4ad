import type { Bus } from '@jamey/bus'
import type { MemoryForget, MemoryForgotten, MemoryLayer } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { type CircumstanceOptions, circumstancesOf, forgetIn } from '../../client/memory-reach.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { given } from '../../support/given.js'
import { plural } from '../../support/quantities.js'
import { askPerson } from '../../terminal/ask-person.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'

export interface ForgetOptions extends ClientOptions, CircumstanceOptions {
  readonly layer?: MemoryLayer
  readonly tag?: string[]
  readonly before?: string
  readonly others?: boolean
  readonly owner?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly timeout: number
}

type ForgetSelection = MemoryForget & { readonly owner?: string }

/** More than any memory holds: however many fit, they are meant. */
const HOWEVER_MANY = Number.MAX_SAFE_INTEGER

/**
 * Removes what is named. That conditions fit nothing is an answer; an id that is nobody's is a failure, told once
 * the others are forgotten.
 */
export async function forget(
  context: CommandContext,
  ids: readonly string[],
  options: ForgetOptions,
): Outcome {
  const { terminal } = context
  const selections = forgetSelections(ids, options)
  const absent: string[] = []
  const total = await withBus(context, options, async (bus) => {
    let count = 0
    for (const selection of selections) {
      const { forgotten, would_forget: fitting = 0 } = await forgetSome(bus, context, selection, options)
      const fits = options.dryRun === true ? fitting : forgotten
      if (fits === 0 && selection.id !== undefined) absent.push(selection.id)
      count += fits
    }
    return count
  })
  if (options.json)
    terminal.printJson(options.dryRun ? { forgotten: 0, would_forget: total } : { forgotten: total })
  else if (total > 0 || absent.length === 0) {
    terminal.print(`${options.dryRun ? 'would forget' : 'forgot'} ${plural(total, 'memory', 'memories')}`)
  }
  if (absent.length > 0) {
    throw new CommandFailure(`no such memory: ${absent.join(', ')}`, {
      code: 'no-such-memory',
      hint: '`jamey recall` prints the ids',
    })
  }
  return EXIT.success
}

async function forgetSome(
  bus: Bus,
  context: CommandContext,
  selection: ForgetSelection,
  options: ForgetOptions,
): Promise<MemoryForgotten> {
  const { contract, owner } = forgetIn(bus, options, selection.id !== undefined)
  const ask = (more: { dry_run?: true; confirm?: number }) =>
    bus.request(
      contract,
      { ...selection, ...owner, ...more },
      { timeoutMs: options.timeout, signal: context.interrupted },
    )
  if (options.dryRun === true) return ask({ dry_run: true })
  if (selection.id !== undefined) return ask({})
  if (options.yes === true) return ask({ confirm: HOWEVER_MANY })
  try {
    return await ask({})
  } catch (error) {
    const fitting = toBeConfirmed(error)
    if (fitting === undefined) throw error
    await mustBeMeant(context, fitting)
    return ask({ confirm: fitting })
  }
}

/** How many would be forgotten, where the memory wants that confirmed; undefined for any other failure. */
function toBeConfirmed(error: unknown): number | undefined {
  const { kind, details } = error as { kind?: unknown; details?: Readonly<Record<string, unknown>> }
  return kind === 'memory-confirmation-needed' ? Number(details?.['would_forget']) : undefined
}

/** Asks a person, and refuses for a script, where conditions fit many: what is forgotten does not come back. */
async function mustBeMeant(context: CommandContext, fitting: number): Promise<void> {
  const many = plural(fitting, 'memory', 'memories')
  const answer = await askPerson(context, `Forget ${many} for good? [y/N] `)
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return
  const way = 'say --yes, too, where that is meant; `jamey memory backup FILE` keeps a copy'
  throw new CommandFailure(
    answer === undefined ? `these conditions fit ${many}, and nobody can be asked` : 'nothing was forgotten',
    { code: 'not-confirmed', exitCode: EXIT.usage, hint: way },
  )
}

const CONDITIONS =
  '--layer, --tag, --before, --owner, --session, --scope, --origin, --source, --untrusted and --where'

/**
 * Requests for what is to be forgotten: one per id, or one for all conditions; never both, and never none, which would
 * mean everything.
 */
function forgetSelections(ids: readonly string[], options: Partial<ForgetOptions>): ForgetSelection[] {
  const { layer, tag: tags, before, owner } = options
  const conditions = { ...given({ layer, tags, before, owner }), ...circumstancesOf(options) }
  const hasConditions = Object.keys(conditions).length > 0
  if (ids.length > 0 && hasConditions) {
    throw new CommandFailure(`give ids, or some of ${CONDITIONS}, not both`, {
      code: 'selection-ambiguous',
      exitCode: EXIT.usage,
    })
  }
  if (ids.length > 0) return ids.map((id) => ({ id }))
  if (!hasConditions) {
    throw new CommandFailure(`what is to be forgotten? give ids, or at least one of ${CONDITIONS}`, {
      code: 'selection-missing',
      exitCode: EXIT.usage,
      hint: '`jamey recall` prints the ids',
    })
  }
  return [conditions]
}
