import type { Outbox, OutboxKind } from '@jamey/store'
import { type OutboxOptions, openFound, outboxesOf, outboxOf } from '../install/outbox-folders.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { noSuchMessage } from './outbox.js'

const PAGE = 1000

export interface RetryOptions extends OutboxOptions {
  readonly all?: boolean
}

export interface DropOptions extends RetryOptions {
  readonly waiting?: boolean
  readonly yes?: boolean
}

/** Dead letters wait again. A number that is not among them is a failure, told once the others are retried. */
export async function retry(
  context: CommandContext,
  numbers: readonly number[] | undefined,
  options: RetryOptions,
): Outcome {
  const { terminal } = context
  const absent: number[] = []
  const all = await choose(context, numbers, options, 'dead-letter')
  if (all.length === 0 && !options.json) terminal.print('there are no dead letters')
  for (const [name, outbox, chosen] of all) {
    await outbox.change(async (changes) => {
      for (const number of chosen) {
        const renewed = await changes.retry(number)
        if (renewed === undefined) absent.push(number)
        else if (options.json) terminal.printJson({ component: name, number, retried_as: renewed })
        else terminal.print(`${name}: ${number} waits again, as number ${renewed}`)
      }
    })
  }
  if (absent.length > 0 && options.all) terminal.warn(`these cannot be read: ${absent.join(', ')}; drop them`)
  else if (absent.length > 0) throw noSuchMessage(absent, ' among the dead letters')
  return EXIT.success
}

/** Forgets messages. A number that is nobody's is a failure, told once the others are dropped. */
export async function drop(
  context: CommandContext,
  numbers: readonly number[] | undefined,
  options: DropOptions,
): Outcome {
  if (options.all && options.yes !== true) {
    throw new CommandFailure('--all drops messages that nobody will ever get: say --yes, too', {
      code: 'not-confirmed',
      exitCode: EXIT.usage,
      hint: '`jamey outbox list` shows what there is',
    })
  }
  const absent: number[] = []
  const received: number[] = []
  const kind = options.waiting ? 'waiting' : 'dead-letter'
  const all = await choose(context, numbers, options, kind)
  if (all.length === 0 && !options.json) {
    context.terminal.print(options.waiting ? 'no message waits' : 'there are no dead letters')
  }
  for (const [name, outbox, chosen] of all) {
    const dropped: number[] = []
    await outbox.change(async (changes) => {
      const lists = { dropped, absent, received }
      for (const number of chosen) lists[await changes.drop(number)].push(number)
    })
    if (options.json) context.terminal.printJson({ component: name, dropped })
    else context.terminal.print(`${name}: dropped ${plural(dropped.length, 'message', 'messages')}`)
  }
  if (absent.length > 0) throw noSuchMessage(absent)
  if (received.length === 0) return EXIT.success
  throw new CommandFailure(`the broker has received ${received.join(', ')} already`, {
    code: 'already-received',
    hint: 'start the component: with its next connection the exchange ends, and they are gone',
  })
}

/** The numbers given, of the one outbox they can be meant for; with --all those of every outbox. */
async function choose(
  context: CommandContext,
  numbers: readonly number[] = [],
  options: RetryOptions,
  kind: OutboxKind,
): Promise<[string, Outbox, readonly number[]][]> {
  if (numbers.length > 0 === (options.all === true)) {
    throw new CommandFailure('give numbers of messages, or --all', {
      code: 'selection-missing',
      exitCode: EXIT.usage,
      hint: '`jamey outbox list --dead-letters` prints the numbers',
    })
  }
  if (options.all !== true) {
    const found = outboxOf(context, options)
    return [[found.name, await openFound(found), numbers]]
  }
  const chosen: [string, Outbox, readonly number[]][] = []
  for (const found of outboxesOf(context, options)) {
    const outbox = await openFound(found)
    const all = await numbersOf(outbox, kind)
    // An outbox that has nothing to change need not be stopped.
    if (all.length > 0) chosen.push([found.name, outbox, all])
  }
  return chosen
}

async function numbersOf(outbox: Outbox, kind: OutboxKind): Promise<number[]> {
  const numbers: number[] = []
  let after: number | undefined = -1
  while (after !== undefined) {
    const page = await outbox.list({ kind, after, maximumMessages: PAGE })
    numbers.push(...[...page.messages, ...page.damaged].map(({ sequence }) => sequence))
    after = page.next
  }
  return numbers
}
