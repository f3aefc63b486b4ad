import type { CallVerdict, Policy, PolicyDifference, PolicyTest } from '@jamey/conscience'
import { plural } from '../support/quantities.js'
import { type Colors, printable, wrap } from '../terminal/terminal.js'

interface View {
  readonly colors: Colors
}

/** The decision, the rules that applied, what it has beside their reasons, and what they rest on. */
export function formatCallVerdict(verdict: CallVerdict): string {
  const { decision, reasons, rules, facts, policyVersion, arguments: changed } = verdict
  const applied = rules.map(({ name, decision: by, reason }) => `  ${by.padEnd(5)}  ${name}: ${reason}`)
  const others = reasons.filter((one) => rules.every(({ reason }) => reason !== one))
  return [
    `${decision} ${printable(facts.tool)} (policy ${policyVersion})`,
    ...(applied.length === 0 ? ['  no rule knows it, so it is asked'] : applied),
    ...others.map((reason) => `  ${decision.padEnd(5)}  ${reason}`),
    ...(changed === undefined ? [] : [`  with these arguments alone: ${printable(JSON.stringify(changed))}`]),
    ...shownFacts(facts).map((line) => `  ${printable(line)}`),
  ].join('\n')
}

export function jsonCallVerdict({
  decision,
  reasons,
  rules,
  arguments: changed,
  facts,
  policyVersion,
}: CallVerdict): Record<string, unknown> {
  return {
    decision,
    approved: decision === 'allow',
    reasons,
    rules,
    arguments: changed,
    policy_version: policyVersion,
    facts,
  }
}

/** Each case that is decided otherwise than it says, and the rules that no case tries. */
export function formatPolicyTest(
  test: PolicyTest,
  { rules }: Policy,
  { colors, columns }: View & { readonly columns: number },
): string {
  const { cases, failures, unused, constant } = test
  // Most are rules of packs: a line for each would hide what the test is about.
  const untried = (where: string, names: readonly string[]): string[] =>
    names.length === 0
      ? []
      : [colors.yellow(wrap(`untried, in ${where} case: ${names.join(', ')}`, columns, '  ').trimStart())]
  const tried = rules.length - unused.length - constant.length
  return [
    ...failures.map(({ case: { name, decision }, verdict, missing }) => {
      const because = verdict.rules.map((rule) => rule.name).join(', ') || 'no rule'
      const absent = missing.length === 0 ? '' : `; not by ${missing.join(', ')}`
      return `${colors.red('failed')} ${printable(name)}: ${verdict.decision} by ${because}, not ${decision}${absent}`
    }),
    ...untried('no', unused),
    ...untried('every', constant),
    `${cases - failures.length} of ${plural(cases, 'case', 'cases')} as they say, ${tried} of ${plural(rules.length, 'rule', 'rules')} tried`,
  ].join('\n')
}

export function jsonPolicyTest({ cases, failures, unused, constant }: PolicyTest): Record<string, unknown> {
  return {
    cases,
    failures: failures.map(({ case: { name, decision }, verdict, missing }) => ({
      name,
      expected: decision,
      decision: verdict.decision,
      rules: verdict.rules.map((rule) => rule.name),
      missing,
    })),
    rules_in_no_case: unused,
    rules_in_every_case: constant,
  }
}

/** A call that would be decided otherwise, and by which rules then. */
export function formatPolicyDifference({ call, before, after }: PolicyDifference, { colors }: View): string {
  const about = printable(`${call.tool} ${JSON.stringify(call.arguments)}`.slice(0, 200))
  const rules = after.rules.filter(({ decision }) => decision === after.decision).map(({ name }) => name)
  const by = rules.length === 0 ? '' : colors.dim(`  (${rules.join(', ')})`)
  return `${before.decision} -> ${after.decision}  ${about}${by}`
}

export function jsonPolicyDifference({ call, before, after }: PolicyDifference): Record<string, unknown> {
  return { call, before: jsonCallVerdict(before), after: jsonCallVerdict(after) }
}

function shownFacts(facts: CallVerdict['facts']): string[] {
  const effects = facts.effects.length === 0 ? 'not known' : facts.effects.join(', ')
  return [
    `effects: ${effects}${facts.isKnown ? '' : ' (a guess: the tool is not known)'}`,
    ...facts.commands.map(
      ({ words, effects }) => `command: ${words.join(' ')} (${effects.join(', ') || 'not known'})`,
    ),
    ...facts.files.map(({ access, path, place }) => `${access}: ${path} (${place})`),
    ...facts.urls.map(({ text }) => `url: ${text}`),
    ...facts.recipients.map(({ text }) => `to: ${text}`),
    ...facts.amounts.map(({ amount }) => `amount: ${amount}`),
    ...facts.sql.map(({ verb, isBounded }) => `sql: ${verb}${isBounded ? '' : ', all rows'}`),
    ...facts.unread.map(
      ({ where, reason }) => `not understood: ${reason}${where === '' ? '' : ` (${where})`}`,
    ),
  ]
}
