import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { askingBroker } from '../../client/broker-question.js'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { checkTopicName } from '../../client/topic-argument.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { viewOf } from '../../terminal/view.js'
import { formatClient, formatTopic } from '../../views/explain-view.js'

export interface ExplainOptions extends ClientOptions {
  /** The meaning of the word, where it could be both. */
  readonly as?: 'topic' | 'client'
}

const QUESTIONS = topics.broker

/** Tells who may and who does, what waits and what was dropped: of a client where there is one of that name, else of a topic. */
export async function explain(context: CommandContext, word: string, options: ExplainOptions): Outcome {
  const { terminal } = context
  const { as } = options
  if (as === 'topic') checkTopicName(word)
  const view = viewOf(context)
  await withBus(context, options, async (bus) => {
    const client = as === 'topic' ? null : await clientOf(bus, word)
    if (client !== null) {
      if (options.json) terminal.printJson({ client })
      else for (const line of formatClient(client, view)) terminal.print(line)
      return
    }
    if (as === 'client') throw noSuchClient(word)
    checkTopicName(word)
    // A word of one level was hardly meant as a topic.
    if (as === undefined && !word.includes('/') && !options.json)
      terminal.note(`no client of this name is known; as a topic:`)
    const topic = await askingBroker(() => bus.request(QUESTIONS.topic, { topic: word }))
    if (options.json) terminal.printJson({ topic })
    else for (const line of formatTopic(topic, view)) terminal.print(line)
  })
  return EXIT.success
}

async function clientOf(bus: Bus, name: string) {
  return (await askingBroker(() => bus.request(QUESTIONS.client, { client_id: name }))).client
}

function noSuchClient(name: string): CommandFailure {
  return new CommandFailure(`the broker knows no client ${JSON.stringify(name)}`, {
    code: 'no-such-client',
    exitCode: EXIT.other,
    hint: '`jamey top` shows those that are there',
  })
}
