import type { Outbox, OutboxKind } from '@jamey/store'
import { type FoundOutbox, type OutboxOptions, openFound, outboxesOf } from '../install/outbox-folders.js'
import { EXIT, type ExitCode } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { formatCounts, formatListed, formatShown, jsonCounts, jsonStored } from '../views/outbox-view.js'

/** Messages may be large: so many are read at once. */
const PAGE = 100

export interface ListOptions extends OutboxOptions {
  readonly deadLetters?: boolean
  readonly waiting?: boolean
  readonly limit: number
  readonly after?: number
}

/** The outboxes that are meant; their messages where a kind of them, or one outbox, is named. */
export async function list(context: CommandContext, options: ListOptions): Outcome {
  const { terminal } = context
  const all = outboxesOf(context, options)
  if (all.length === 0 && !options.json) terminal.print('no component has an outbox yet')
  let code: ExitCode = EXIT.success
  for (const found of all) {
    try {
      await listOne(context, found, options)
    } catch (error) {
      // An outbox that cannot be read must not hide the others.
      terminal.fail(reportOf(error), options.json === true)
      code = EXIT.other
    }
  }
  return code
}

async function listOne(context: CommandContext, found: FoundOutbox, options: ListOptions): Promise<void> {
  const { terminal, now } = context
  const outbox = await openFound(found)
  const isOfKind = options.deadLetters === true || options.waiting === true
  if (!isOfKind) {
    const counts = await outbox.counts()
    if (options.json) terminal.printJson(jsonCounts(found.name, found.path, counts))
    else terminal.print(formatCounts(found.name, counts, { colors: terminal.colors, now: now() }))
  }
  const isOne = options.dir !== undefined || options.component !== undefined
  if (options.deadLetters || (!isOfKind && isOne))
    await listKind(context, found, outbox, 'dead-letter', options)
  if (options.waiting || (!isOfKind && isOne)) await listKind(context, found, outbox, 'waiting', options)
}

async function listKind(
  { terminal, now }: CommandContext,
  { name }: FoundOutbox,
  outbox: Outbox,
  kind: OutboxKind,
  { limit, after: first, json }: ListOptions,
): Promise<void> {
  let left = limit
  let after = first
  while (left > 0) {
    const page = await outbox.list({ kind, after, maximumMessages: Math.min(left, PAGE) })
    const records = [...page.messages, ...page.damaged].sort((a, b) => a.sequence - b.sequence)
    for (const record of records) {
      if (json) terminal.printJson(jsonStored(name, record, now()))
      else terminal.print(formatListed(name, record, { colors: terminal.colors, now: now() }))
    }
    left -= records.length
    if (page.next === undefined) return
    after = page.next
  }
  if (!json) terminal.print(terminal.colors.dim(`there may be more: --after ${after}`))
}

/** Shows one message whole. */
export async function show(context: CommandContext, number: number, options: OutboxOptions): Outcome {
  const { terminal, now } = context
  const found = []
  for (const one of outboxesOf(context, options)) {
    const record = await (await openFound(one)).get(number)
    if (record !== undefined) found.push({ name: one.name, record })
  }
  if (found.length === 0) throw noSuchMessage([number])
  for (const { name, record } of found) {
    if (options.json) terminal.printJson(jsonStored(name, record, now()))
    else terminal.print(formatShown(name, record, { colors: terminal.colors, now: now() }))
  }
  return EXIT.success
}

export function noSuchMessage(numbers: readonly number[], what = ''): CommandFailure {
  return new CommandFailure(`no such message${what}: ${numbers.join(', ')}`, {
    code: 'no-such-message',
    hint: '`jamey outbox list --dead-letters` and `--waiting` print the numbers',
  })
}
