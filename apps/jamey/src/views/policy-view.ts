import type { CallVerdict } from '@jamey/conscience'
import { printable } from '../terminal/terminal.js'

/** The decision, the rules that applied, and what they rest on. */
export function formatCallVerdict({ decision, rules, facts, policyVersion }: CallVerdict): string {
  const applied = rules.map(({ name, decision: by, reason }) => `  ${by.padEnd(5)}  ${name}: ${reason}`)
  return [
    `${decision} ${printable(facts.tool)} (policy ${policyVersion})`,
    ...(applied.length === 0 ? ['  no rule knows it, so it is asked'] : applied),
    ...shownFacts(facts).map((line) => `  ${printable(line)}`),
  ].join('\n')
}

export function jsonCallVerdict({
  decision,
  rules,
  facts,
  policyVersion,
}: CallVerdict): Record<string, unknown> {
  return { decision, approved: decision === 'allow', rules, policy_version: policyVersion, facts }
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
