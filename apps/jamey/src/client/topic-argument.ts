import { assertTopicFilter, assertTopicName } from '@jamey/protocol'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

/** A topic as typed on the command line; refused before anything is connected. */
export function checkTopicName(topic: string): string {
  check(() => assertTopicName(topic), 'a topic is complete: only `jamey sub` takes + and #')
  if (!topic.startsWith('$share/')) return topic
  throw new CommandFailure(`topic name ${JSON.stringify(topic)} is a shared subscription's`, {
    code: 'topic-invalid',
    exitCode: EXIT.usage,
    hint: 'publish to the topic itself, without $share/<group>/',
  })
}

/** Topic filters as typed on the command line, `$share/<group>/<filter>` among them. */
export function checkTopicFilters(filters: readonly string[]): void {
  for (const filter of filters) {
    check(
      () => assertTopicFilter(filter),
      "+ stands for one whole level, # for all that follow: 'lab/+/heat', 'lab/#'",
    )
  }
}

/** An action has its place in an envelope, and raw bytes are in none. */
export function checkRawAction({ raw, action }: { readonly raw?: boolean; readonly action?: string }): void {
  if (raw !== true || action === undefined) return
  throw new CommandFailure('give --action or --raw, not both', {
    code: 'action-ambiguous',
    exitCode: EXIT.usage,
  })
}

/** The service is a level in the topic of the answer. */
export function checkService(service: string | undefined): void {
  if (service === undefined || (service !== '' && !/[/+#\0]/.test(service))) return
  throw new CommandFailure(`a service is one topic level without / + #; it is ${JSON.stringify(service)}`, {
    code: 'service-invalid',
    exitCode: EXIT.usage,
  })
}

function check(assert: () => void, hint: string): void {
  try {
    assert()
  } catch (error) {
    throw new CommandFailure((error as Error).message, {
      code: 'topic-invalid',
      exitCode: EXIT.usage,
      hint,
      cause: error,
    })
  }
}
