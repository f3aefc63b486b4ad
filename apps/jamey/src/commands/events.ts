import { checkTopicFilters } from '../client/topic-argument.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { viewOf } from '../terminal/view.js'
import { formatEvent } from '../views/event-view.js'
import { jsonMessage } from '../views/message-view.js'
import { type SubOptions, watch } from './sub.js'

/** Verdicts, approvals, who is there, and failures. Heartbeats come every half minute and say little. */
const USUAL = [
  'jamey/conscience/results/#',
  'jamey/conscience/approvals/#',
  'jamey/events/status/#',
  'jamey/events/errors/#',
]

/** Prints what happens, a line each; ends as `sub` does. */
export async function events(
  context: CommandContext,
  given: readonly string[],
  options: Omit<SubOptions, 'raw' | 'qos'>,
): Outcome {
  const { terminal, now } = context
  // A line that a program reads has to be whole.
  const columns = terminal.screen() === undefined ? Number.POSITIVE_INFINITY : terminal.columns
  const filters = given.length === 0 ? USUAL : given
  checkTopicFilters(filters)
  return watch(context, filters, { ...options, qos: 1 }, (message, bus) => {
    const sender = bus.senderOf(message)
    const principal = bus.principalOf(message)
    if (options.json) {
      terminal.printJson({
        ...jsonMessage(message, now()),
        ...(sender === undefined ? {} : { sender }),
        ...(principal === sender || principal === undefined ? {} : { on_behalf_of: principal }),
      })
      return
    }
    terminal.print(formatEvent({ ...message, sender, principal }, { ...viewOf(context), columns }))
  })
}
