import { type CallVerdict, judgeCall, type Policy, parsePolicy, RuleFileError } from '@jamey/conscience'
import { EXIT, type ExitCode } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { plural } from '../../support/quantities.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { readTextFile } from '../../terminal/text-input.js'
import { formatCallVerdict, jsonCallVerdict } from '../../views/policy-view.js'

export interface PolicyOptions {
  readonly json?: boolean
}

export interface PolicyExplainOptions extends PolicyOptions {
  readonly policy: string
}

/** Says that the file can be used, or throws what is wrong with it, all at once. */
export async function policyCheck(context: CommandContext, file: string, { json }: PolicyOptions): Outcome {
  const { terminal } = context
  const { version, rules, facts } = await policyAt(context, file)
  const tools = Object.keys(facts.tools ?? {}).length
  if (json) terminal.printJson({ file, version, rules: rules.map(({ name }) => name), tools })
  else {
    const own = plural(tools, 'tool of its own', 'tools of its own')
    terminal.print(
      `${file} is in order: version ${version}, ${plural(rules.length, 'rule', 'rules')}, ${own}`,
    )
  }
  return EXIT.success
}

/** Says what would become of a call, by which rules and facts. `given`: its arguments, as JSON. */
export async function policyExplain(
  context: CommandContext,
  call: { readonly tool: string; readonly given: string },
  { policy: file, json }: PolicyExplainOptions,
): Outcome {
  const { terminal } = context
  const verdict = judgeCall(await policyAt(context, file), {
    tool: call.tool,
    arguments: argumentsOf(call.given),
  })
  if (json) terminal.printJson(jsonCallVerdict(verdict))
  else terminal.print(formatCallVerdict(verdict))
  return exitCodeOf(verdict)
}

function exitCodeOf({ decision }: CallVerdict): ExitCode {
  return decision === 'allow' ? EXIT.success : EXIT.refused
}

async function policyAt(context: CommandContext, file: string): Promise<Policy> {
  const text = await readTextFile(context, file)
  try {
    return parsePolicy(text, file, { workspace: context.cwd })
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error
    throw new CommandFailure(error.message, { code: 'policy-invalid', exitCode: EXIT.usage, cause: error })
  }
}

function argumentsOf(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new CommandFailure(`arguments: expected a JSON object, found ${JSON.stringify(text.slice(0, 60))}`, {
    code: 'policy-usage',
    exitCode: EXIT.usage,
    hint: `such as \`jamey policy explain Bash '{"command": "git push"}'\``,
  })
}
