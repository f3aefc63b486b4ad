import { topics } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { formatVerdict } from '../views/verdict-view.js'

export interface EvaluateOptions extends ClientOptions {
  readonly context?: Record<string, unknown>
  readonly user?: Record<string, unknown>
  readonly timeout: number
}

/** Asks for a verdict and prints it; what is not approved leaves with the code of a refusal. */
export async function evaluate(context: CommandContext, action: string, options: EvaluateOptions): Outcome {
  const { terminal, interrupted } = context
  if (action.trim() === '') {
    throw new CommandFailure('the action is empty: say in words what is to be judged', {
      code: 'action-empty',
      exitCode: EXIT.usage,
      hint: 'such as `jamey evaluate "email the newsletter"`',
    })
  }
  const question = {
    action,
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(options.user === undefined ? {} : { user: options.user }),
  }
  const verdict = await withBus(context, options, (bus) =>
    bus.request(topics.conscience.evaluate, question, { timeoutMs: options.timeout, signal: interrupted }),
  )
  if (options.json) terminal.printJson(verdict)
  else terminal.print(formatVerdict(verdict, terminal.colors, terminal.columns))
  return verdict.approved ? EXIT.success : EXIT.refused
}
