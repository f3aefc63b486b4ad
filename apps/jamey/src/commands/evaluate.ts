import { type EvaluationInput, topics } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import { type ClientOptions, isPassingName } from '../client/connection-target.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, usageError } from '../support/failure.js'
import { jsonObjectOf } from '../support/json-object.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { readTextFile } from '../terminal/text-input.js'
import { formatVerdict } from '../views/verdict-view.js'

const USAGE = { code: 'evaluate-usage' }

export interface EvaluateOptions extends ClientOptions {
  readonly tool?: string
  /** JSON, `@file`, or `-` for standard input. */
  readonly arguments?: string
  readonly intent?: string
  readonly cwd?: string
  readonly session?: string
  /** JSON, as the next one. */
  readonly context?: string
  readonly user?: string
  readonly timeout: number
}

/** Asks for a verdict and prints it; what is not allowed leaves with the code of a refusal. */
export async function evaluate(
  context: CommandContext,
  action: string | undefined,
  options: EvaluateOptions,
): Outcome {
  const { terminal, interrupted } = context
  const question = await questionOf(context, action, options)
  const verdict = await withBus(context, options, (bus) =>
    bus.request(topics.conscience.evaluate, question, { timeoutMs: options.timeout, signal: interrupted }),
  )
  if (options.json) terminal.printJson(verdict)
  else {
    terminal.print(formatVerdict(verdict, terminal.colors, terminal.columns))
    if (verdict.decision === 'ask' && isPassingName(verdict.requested_by)) {
      terminal.note(terminal.asStarted(askedOnce(verdict.requested_by)))
    }
  }
  return verdict.approved ? EXIT.success : EXIT.refused
}

/** An approval is of whoever asked, and nobody has this name again. */
function askedOnce(clientId: string): string {
  return `${clientId} is a name of this command alone, so no approval of it can be used: ask with \`jamey evaluate --client-id NAME\`, have that approved, and ask again under the same name`
}

async function questionOf(
  context: CommandContext,
  action: string | undefined,
  options: EvaluateOptions,
): Promise<EvaluationInput> {
  const { tool } = options
  if (tool === undefined) return textOf(action, options)
  const stray = action !== undefined ? 'an action' : strayOption(options, ['context', 'user'])
  if (stray !== undefined)
    throw usageError(`${stray} goes with an action in words, and --tool is a call`, USAGE)
  const { intent, cwd, session } = options
  return {
    tool,
    arguments: await argumentsOf(context, options.arguments ?? '{}'),
    ...(intent === undefined ? {} : { intent }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(session === undefined ? {} : { session_id: session }),
  }
}

function textOf(action: string | undefined, options: EvaluateOptions): EvaluationInput {
  const stray = strayOption(options, ['arguments', 'intent', 'cwd', 'session'])
  if (stray !== undefined) throw usageError(`${stray} goes with a call: name its tool with --tool`, USAGE)
  if (action === undefined || action.trim() === '') {
    throw new CommandFailure('the action is empty: say in words what is to be judged, or give --tool', {
      code: 'action-empty',
      exitCode: EXIT.usage,
      hint: `such as \`jamey evaluate --tool Bash --arguments '{"command": "git push"}'\``,
    })
  }
  const { context, user } = options
  return {
    action,
    ...(context === undefined ? {} : { context: jsonObjectOf('--context', context) }),
    ...(user === undefined ? {} : { user: jsonObjectOf('--user', user) }),
  }
}

function strayOption(
  options: EvaluateOptions,
  names: readonly (keyof EvaluateOptions)[],
): string | undefined {
  const name = names.find((one) => options[one] !== undefined)
  return name === undefined ? undefined : `--${name}`
}

async function argumentsOf(context: CommandContext, given: string): Promise<Record<string, unknown>> {
  const isFile = given === '-' || given.startsWith('@')
  const text = isFile ? await readTextFile(context, given === '-' ? '-' : given.slice(1)) : given
  return jsonObjectOf('--arguments', text)
}
