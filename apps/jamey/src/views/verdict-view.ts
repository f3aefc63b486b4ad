import type { AppliedRule, CountedFact, Verdict } from '@jamey/contracts'
import { type Colors, wrap } from '../terminal/terminal.js'

const EFFECT_WORDS: Readonly<Record<AppliedRule['effect'], string>> = {
  forbid: 'forbids',
  discourage: 'discourages',
  encourage: 'encourages',
}

/** A verdict for people: the decision and score first, then the rules with their weights, then why. */
export function formatVerdict(verdict: Verdict, colors: Colors, columns: number): string {
  const lines = [headline(verdict, colors), '', wrap(verdict.action, columns, '  ')]
  if (verdict.rules.length > 0) lines.push('', ...ruleLines(verdict.rules, colors, columns))
  lines.push('', wrap(verdict.explanation, columns, '  '))
  const judge = judgeLine(verdict, columns)
  if (judge !== undefined) lines.push('', judge)
  if (verdict.facts.length > 0) lines.push('', ...verdict.facts.map((fact) => factLine(fact, columns)))
  if (!verdict.approved)
    lines.push('', colors.dim(`  request ${verdict.request_digest} of ${verdict.requested_by}`))
  lines.push('', colors.dim(`  rules ${verdict.rules_version}, evaluation ${verdict.evaluation_id}`))
  return lines.join('\n')
}

/** Two decimals and always a sign, so that scores line up and -0.00 never appears. */
export function formatScore(score: number): string {
  const rounded = Math.round(score * 100) / 100
  return `${rounded < 0 ? '-' : '+'}${Math.abs(rounded).toFixed(2)}`
}

function headline(verdict: Verdict, colors: Colors): string {
  const score = `moral score ${formatScore(verdict.moral_score)}`
  if (verdict.approved) return `${colors.bold(colors.green('approved'))}, ${score}`
  return `${colors.bold(colors.red('not approved'))} (${verdict.decision}), ${score}`
}

function ruleLines(rules: readonly AppliedRule[], colors: Colors, columns: number): string[] {
  const nameWidth = Math.max(...rules.map(({ name }) => name.length))
  const weights = rules.map(({ weight }) => String(weight))
  const weightWidth = Math.max(...weights.map((weight) => weight.length))
  return rules.flatMap((rule, i) => {
    const effect = EFFECT_WORDS[rule.effect].padEnd(11)
    const color = rule.effect === 'encourage' ? colors.green : colors.red
    const weight = (weights[i] ?? '').padStart(weightWidth)
    const indent = ' '.repeat(nameWidth + weightWidth + 24)
    const text = wrap(rule.reason ?? rule.description, columns, indent).trimStart()
    return [`  ${rule.name.padEnd(nameWidth)}  ${color(effect)}  weight ${weight}  ${text}`]
  })
}

function factLine({ name, value, status, given_by }: CountedFact, columns: number): string {
  return wrap(`${name}: ${JSON.stringify(value)}, ${status} by ${given_by}`, columns, '  ')
}

function judgeLine(verdict: Verdict, columns: number): string | undefined {
  const { judge } = verdict
  if (judge.status === 'not_configured') return undefined
  if (judge.status === 'failed') {
    return wrap(
      `The judge gave no opinion (${judge.error ?? 'it failed'}); the rules alone decided.`,
      columns,
      '  ',
    )
  }
  const score = judge.score === undefined ? '' : ` (${formatScore(judge.score)})`
  return wrap(`The judge's opinion${score}: ${judge.opinion ?? ''}`, columns, '  ')
}
