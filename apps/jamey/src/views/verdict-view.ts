import type { AppliedRule, CountedFact, Decision, Verdict } from '@jamey/contracts'
import { type Colors, printable, wrap } from '../terminal/terminal.js'

/** A verdict for people: the decision first, then the reasons, the rules that applied and who was heard. */
export function formatVerdict(verdict: Verdict, colors: Colors, columns: number): string {
  const lines = [headline(verdict, colors), '', ...verdict.reasons.map((one) => wrap(one, columns, '  '))]
  if (verdict.kind === 'call' && verdict.arguments !== undefined) {
    lines.push('', wrap(`with these arguments alone: ${JSON.stringify(verdict.arguments)}`, columns, '  '))
  }
  if (verdict.rules.length > 0) lines.push('', ...ruleLines(verdict.rules, colors, columns))
  const judge = judgeLine(verdict, columns)
  if (judge !== undefined) lines.push('', judge)
  if (verdict.facts.length > 0) lines.push('', ...verdict.facts.map((fact) => factLine(fact, columns)))
  if (verdict.approval !== undefined) {
    const { id, expires_at } = verdict.approval
    lines.push(
      '',
      wrap(
        `approval ${id} for ${verdict.requested_by}${expires_at === undefined ? '' : `, until ${expires_at}`}`,
        columns,
        '  ',
      ),
    )
  }
  if (!verdict.approved)
    lines.push('', colors.dim(`  request ${verdict.request_digest} of ${verdict.requested_by}`))
  lines.push('', colors.dim(`  policy ${verdict.policy_version}, evaluation ${verdict.evaluation_id}`))
  return lines.join('\n')
}

/** Two decimals and always a sign, so that scores line up and -0.00 never appears. */
export function formatScore(score: number): string {
  const rounded = Math.round(score * 100) / 100
  return `${rounded < 0 ? '-' : '+'}${Math.abs(rounded).toFixed(2)}`
}

function headline(verdict: Verdict, colors: Colors): string {
  const what = printable(verdict.kind === 'call' ? verdict.tool : verdict.action)
  return `${colored(verdict.decision, colors)} ${what}`
}

function colored(decision: Decision, colors: Colors, text: string = decision): string {
  if (decision === 'allow') return colors.bold(colors.green(text))
  return colors.bold(decision === 'ask' ? colors.yellow(text) : colors.red(text))
}

function ruleLines(rules: readonly AppliedRule[], colors: Colors, columns: number): string[] {
  const nameWidth = Math.max(...rules.map(({ name }) => name.length))
  const indent = ' '.repeat(nameWidth + 11)
  return rules.map(({ name, decision, reason }) => {
    const text = wrap(reason, columns, indent).trimStart()
    return `  ${colored(decision, colors, decision.padEnd(5))}  ${name.padEnd(nameWidth)}  ${text}`
  })
}

function factLine({ name, value, status, given_by }: CountedFact, columns: number): string {
  return wrap(`${name}: ${JSON.stringify(value)}, ${status} by ${given_by}`, columns, '  ')
}

function judgeLine(verdict: Verdict, columns: number): string | undefined {
  const { judge } = verdict
  if (judge.status === 'not_configured' || judge.status === 'not_needed') return undefined
  if (judge.status === 'failed') {
    return wrap(
      `The judge gave no opinion (${judge.error ?? 'it failed'}), and nothing is allowed without.`,
      columns,
      '  ',
    )
  }
  const score = judge.score === undefined ? '' : ` (${formatScore(judge.score)})`
  return wrap(`The judge's opinion${score}: ${judge.opinion ?? ''}`, columns, '  ')
}
