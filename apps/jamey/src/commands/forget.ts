import type { Bus } from '@jamey/bus'
import type { MemoryForget, MemoryLayer } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { forgetIn, queryIn } from '../client/memory-reach.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import { askPerson } from '../terminal/ask-person.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

export interface ForgetOptions extends ClientOptions {
  readonly layer?: MemoryLayer
  readonly tag?: string[]
  readonly before?: string
  readonly others?: boolean
  readonly owner?: string
  readonly yes?: boolean
  readonly timeout: number
}

type ForgetSelection = MemoryForget & { readonly owner?: string }

/** Number of memories that are forgotten without a question; more only by somebody who means it. */
const MAXIMUM_UNASKED = 100

/**
 * Removes what is named. That conditions fit nothing is an answer; an id that is nobody's is a failure, told once
 * the others are forgotten.
 */
export async function forget(
  context: CommandContext,
  ids: readonly string[],
  options: ForgetOptions,
): Outcome {
  const { terminal, interrupted } = context
  const selections = forgetSelections(ids, options)
  const absent: string[] = []
  const forgotten = await withBus(context, options, async (bus) => {
    let count = 0
    const { contract, owner } = forgetIn(bus, options, ids.length > 0)
    if (ids.length === 0 && options.yes !== true) await mustBeMeant(bus, context, options)
    for (const selection of selections) {
      const answer = await bus.request(
        contract,
        { ...selection, ...owner },
        {
          timeoutMs: options.timeout,
          signal: interrupted,
        },
      )
      if (answer.forgotten === 0 && selection.id !== undefined) absent.push(selection.id)
      count += answer.forgotten
    }
    return count
  })
  if (options.json) terminal.printJson({ forgotten })
  else if (forgotten > 0 || absent.length === 0) {
    terminal.print(`forgot ${plural(forgotten, 'memory', 'memories')}`)
  }
  if (absent.length > 0) {
    throw new CommandFailure(`no such memory: ${absent.join(', ')}`, {
      code: 'no-such-memory',
      hint: '`jamey recall` prints the ids',
    })
  }
  return EXIT.success
}

/** Asks a person, and refuses for a script, where conditions fit many: what is forgotten does not come back. */
async function mustBeMeant(bus: Bus, context: CommandContext, options: ForgetOptions): Promise<void> {
  const { layer, tag, before, timeout } = options
  const { owner } = forgetIn(bus, options, false)
  const { contract } = queryIn(bus, { ...options, ...owner })
  const { total } = await bus.request(
    contract,
    {
      ...owner,
      ...(layer === undefined ? {} : { layers: [layer] }),
      ...(tag === undefined ? {} : { tags: tag }),
      // The end of a query's time is part of it, that of what is to be forgotten is not.
      ...(before === undefined ? {} : { to: new Date(Date.parse(before) - 1).toISOString() }),
      limit: 1,
    },
    { timeoutMs: timeout, signal: context.interrupted },
  )
  if (total <= MAXIMUM_UNASKED) return
  const many = plural(total, 'memory', 'memories')
  const answer = await askPerson(context, `Forget ${many} for good? [y/N] `)
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return
  const way = 'say --yes, too, where that is meant; `jamey memory backup FILE` keeps a copy'
  throw new CommandFailure(
    answer === undefined ? `these conditions fit ${many}, and nobody can be asked` : 'nothing was forgotten',
    { code: 'not-confirmed', exitCode: EXIT.usage, hint: way },
  )
}

/**
 * Requests for what is to be forgotten: one per id, or one for all conditions; never both, and never none, which would
 * mean everything.
 */
export function forgetSelections(
  ids: readonly string[],
  { layer, tag, before, owner }: Pick<ForgetOptions, 'layer' | 'tag' | 'before' | 'owner'>,
): ForgetSelection[] {
  const given = [layer, tag, before, owner]
  const hasConditions = given.some((condition) => condition !== undefined)
  if (ids.length > 0 && hasConditions) {
    throw new CommandFailure('give ids, or --layer, --tag, --before and --owner, not both', {
      code: 'selection-ambiguous',
      exitCode: EXIT.usage,
    })
  }
  if (ids.length > 0) return ids.map((id) => ({ id }))
  if (!hasConditions) {
    throw new CommandFailure(
      'what is to be forgotten? give ids, or at least one of --layer, --tag, --before, --owner',
      {
        code: 'selection-missing',
        exitCode: EXIT.usage,
        hint: '`jamey recall` prints the ids',
      },
    )
  }
  return [
    {
      ...(layer === undefined ? {} : { layer }),
      ...(tag === undefined ? {} : { tags: tag }),
      ...(before === undefined ? {} : { before }),
      ...(owner === undefined ? {} : { owner }),
    },
  ]
}
