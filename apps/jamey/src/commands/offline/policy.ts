import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type CallVerdict,
  DEFAULT_POLICY_FILE,
  judgeCall,
  linksFrom,
  type Policy,
  type PolicyCases,
  parsePolicy,
  parsePolicyCases,
  policyDifferences,
  RuleFileError,
  readAudit,
  supposing,
  testPolicy,
} from '@jamey/conscience'
import { EXIT, type ExitCode } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { jsonObjectOf } from '../../support/json-object.js'
import { plural } from '../../support/quantities.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { readTextFile } from '../../terminal/text-input.js'
import {
  formatCallVerdict,
  formatPolicyDifference,
  formatPolicyTest,
  jsonCallVerdict,
  jsonPolicyDifference,
  jsonPolicyTest,
} from '../../views/policy-view.js'
import { auditFolderOf } from './verdicts.js'

const EXAMPLE = `such as \`jamey policy explain Bash '{"command": "git push"}'\``

const OWN_FILE = 'policy.yaml'

export interface PolicyOptions {
  readonly json?: boolean
}

export interface PolicyExplainOptions extends PolicyOptions {
  /** `policy.yaml` here by default, or the one that ships. */
  readonly policy?: string
  readonly cwd?: string
}

export interface PolicyTestOptions extends PolicyOptions {
  readonly cases?: string
  readonly uncovered?: boolean
}

export interface PolicyDiffOptions extends PolicyOptions {
  /** How long ago at most. */
  readonly since?: number
  readonly cases?: string
  readonly dataDir?: string
}

/** Says that the file and the cases beside it can be used, or throws what is wrong with them, all at once. */
export async function policyCheck(context: CommandContext, file: string, { json }: PolicyOptions): Outcome {
  const { terminal } = context
  const beside = casesFileOf(file)
  const hasCases = existsSync(resolve(context.cwd, beside))
  const [policy] = await bothOrFaults(
    policyAt(context, file),
    hasCases ? casesAt(context, beside) : undefined,
  )
  const { version, rules, facts } = policy
  const tools = facts.tools?.size ?? 0
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
  { policy: file, cwd, json }: PolicyExplainOptions,
): Outcome {
  const { terminal } = context
  const policy = await policyAt(context, file ?? ownOrShipped(context))
  const asked = { tool: call.tool, arguments: jsonObjectOf('arguments', call.given, EXAMPLE), cwd }
  const verdict = judgeCall(policy, asked, { links: linksFrom(policy.facts.workspace) })
  if (json) terminal.printJson(jsonCallVerdict(verdict))
  else terminal.print(formatCallVerdict(verdict))
  return exitCodeOf(verdict)
}

/** Tells whether the policy says of each case what the case says, and which of its rules the cases try. */
export async function policyTest(
  context: CommandContext,
  named: string | undefined,
  { cases: casesFile, uncovered, json }: PolicyTestOptions,
): Outcome {
  const { terminal } = context
  const file = named ?? ownOrShipped(context)
  const read = casesFile === undefined ? casesBeside(context, file) : casesAt(context, casesFile)
  const [own, { cases, given }] = await bothOrFaults(policyAt(context, file), read)
  const policy = supposing(own, given)
  const test = testPolicy(policy, cases)
  if (json) terminal.printJson(jsonPolicyTest(test))
  else terminal.print(formatPolicyTest(test, policy, terminal))
  const isCovered = test.unused.length === 0 && test.constant.length === 0
  return test.failures.length === 0 && (isCovered || !uncovered) ? EXIT.success : EXIT.refused
}

/** Of the calls that were recorded, or of those of cases, what another policy would decide otherwise. */
export async function policyDiff(
  context: CommandContext,
  files: { readonly before: string; readonly after: string },
  options: PolicyDiffOptions,
): Outcome {
  const { terminal } = context
  const [before, after] = [await policyAt(context, files.before), await policyAt(context, files.after)]
  const calls =
    options.cases === undefined
      ? recordedCalls(context, options)
      : (await casesAt(context, options.cases)).cases.flatMap(({ call }) => call ?? [])
  let [seen, differing] = [0, 0]
  for await (const call of calls) {
    seen++
    for (const difference of policyDifferences(before, after, [call])) {
      differing++
      if (options.json) terminal.printJson(jsonPolicyDifference(difference))
      else terminal.print(formatPolicyDifference(difference, terminal))
    }
  }
  if (!options.json) {
    terminal.print(`${differing} of ${plural(seen, 'call', 'calls')} would be decided otherwise`)
  }
  return differing === 0 ? EXIT.success : EXIT.refused
}

async function* recordedCalls(
  context: CommandContext,
  options: PolicyDiffOptions,
): AsyncGenerator<Parameters<typeof judgeCall>[1], void> {
  const from =
    options.since === undefined ? '' : new Date(context.now().getTime() - options.since).toISOString()
  for await (const { read } of readAudit(auditFolderOf(context, options))) {
    context.interrupted.throwIfAborted()
    if (read?.record.kind !== 'verdict' || read.record.recorded_at < from) continue
    const { tool, arguments: given, intent, cwd } = read.record as Record<string, unknown>
    if (typeof tool !== 'string' || !isObject(given)) continue
    yield {
      tool,
      arguments: given,
      ...(typeof intent === 'string' ? { intent } : {}),
      ...(typeof cwd === 'string' ? { cwd } : {}),
    }
  }
}

/** `policy.yaml` here, or where there is none what a conscience without a policy judges by. */
function ownOrShipped({ cwd, terminal }: CommandContext): string {
  if (existsSync(resolve(cwd, OWN_FILE))) return OWN_FILE
  terminal.note(`there is no ${OWN_FILE} here, so this is by the policy that ships`)
  return DEFAULT_POLICY_FILE
}

function casesFileOf(policyFile: string): string {
  return policyFile.replace(/(\.ya?ml)?$/, '.cases.yaml')
}

/** Both, or the faults of both in one message. */
async function bothOrFaults<A, B>(first: Promise<A>, second: Promise<B> | undefined): Promise<[A, B]> {
  const [one, other] = await Promise.allSettled([first, second as Promise<B>])
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value]
  const reasons = [one, other].flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  const [reason, further] = reasons
  if (!isUnusable(reason) || !isUnusable(further)) throw reason
  throw new CommandFailure(`${reason.message}\n${further.message}`, {
    code: reason.code,
    exitCode: EXIT.usage,
    cause: reason,
  })
}

function isUnusable(reason: unknown): reason is CommandFailure {
  return reason instanceof CommandFailure && reason.code === 'policy-invalid'
}

async function casesBeside(context: CommandContext, policyFile: string): Promise<PolicyCases> {
  const file = casesFileOf(policyFile)
  if (existsSync(resolve(context.cwd, file))) return casesAt(context, file)
  throw new CommandFailure(`${policyFile} has no cases: there is no ${file}`, {
    code: 'policy-usage',
    exitCode: EXIT.usage,
    hint: `write it (\`cases: [{ tool: Bash, arguments: { command: git status }, decision: allow }]\`), or name another file with --cases`,
  })
}

async function casesAt(context: CommandContext, file: string): Promise<PolicyCases> {
  const text = await readTextFile(context, file)
  try {
    return parsePolicyCases(text, file)
  } catch (error) {
    throw unusable(error)
  }
}

function exitCodeOf({ decision }: CallVerdict): ExitCode {
  return decision === 'allow' ? EXIT.success : EXIT.refused
}

async function policyAt(context: CommandContext, file: string): Promise<Policy> {
  const text = await readTextFile(context, file)
  try {
    return parsePolicy(text, file, { workspace: context.cwd })
  } catch (error) {
    throw unusable(error)
  }
}

function unusable(error: unknown): unknown {
  if (!(error instanceof RuleFileError)) return error
  return new CommandFailure(error.message, { code: 'policy-invalid', exitCode: EXIT.usage, cause: error })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
