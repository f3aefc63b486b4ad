import { topics } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { watchStates } from '../../client/connection-watch.js'
import { EXIT, type ExitCode } from '../../support/exit-codes.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { viewOf } from '../../terminal/view.js'
import { formatApproval } from '../../views/approval-view.js'

/** Prints each approval as it comes and changes, until somebody stops it. In an outage it waits for the broker. */
export async function watch(context: CommandContext, options: ClientOptions): Outcome {
  const { terminal, interrupted } = context
  return withBus(context, options, async (bus) => {
    const watched = watchStates(bus, context)
    try {
      await bus.subscribe(topics.conscience.approvals.state, ({ data, isRetained }) => {
        // An approval that is over was there before somebody looked.
        if (isRetained && data.status !== 'pending' && data.status !== 'approved') return
        if (options.json) terminal.printJson(data)
        else terminal.print(`${formatApproval(data, viewOf(context))}\n`)
      })
      terminal.note(terminal.errorColors.dim('watching; Ctrl-C ends'))
      return await Promise.race([stopped(interrupted), watched.ended])
    } finally {
      watched.stop()
    }
  })
}

function stopped(signal: AbortSignal): Promise<ExitCode> {
  return new Promise((resolve) => {
    const end = (): void => resolve(EXIT.success)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
