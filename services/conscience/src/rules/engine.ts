import { excess } from './bounds.js'
import type { Case } from './condition.js'
import type { Effect, Rule, RuleSet } from './rule-file.js'
import { type Facts, factMap } from './values.js'

/** An action to be judged, with what is known about the circumstances and about who wants it. */
export interface Proposal {
  readonly action: string
  readonly context?: Facts | undefined
  readonly user?: Facts | undefined
}

/** What a judge beside the rules thinks: `score` from -1 to 1. */
export interface Opinion {
  readonly score: number
  readonly text: string
}

export interface WeighingOptions {
  /** Whether an action that nothing recognises is approved; `deny` unless told. */
  readonly unrecognised?: 'deny' | 'allow' | undefined
  readonly opinion?: Opinion | undefined
}

export interface EvaluationOptions extends WeighingOptions {
  /** Rules that do not get their turn within this time count as failed; 250 ms unless told. */
  readonly budgetMs?: number | undefined
  /** Milliseconds on a clock that never goes back. */
  readonly now?: (() => number) | undefined
}

/** A rule that applied to the action. `weight` says how much it counts, from 0 up. */
export interface AppliedRule {
  readonly name: string
  readonly description: string
  readonly effect: Effect
  readonly weight: number
  readonly reason?: string
}

/** What follows from the rules and the opinion alone. */
export interface Judgement {
  readonly approved: boolean
  readonly decision: 'approved' | 'forbidden' | 'disapproved' | 'unrecognised'
  /** From -1 (harmful) over 0 (neutral or unknown) to 1 (good). */
  readonly moral_score: number
  /** Whether any rule knew the action. */
  readonly recognised: boolean
  readonly rules: readonly AppliedRule[]
  readonly explanation: string
}

/** A rule that matched, or whose condition failed. */
export interface Finding {
  readonly rule: Omit<Rule, 'condition'>
  /** Why the condition could not be evaluated. */
  readonly failure?: string
  readonly evidence: readonly string[]
}

const DEFAULT_BUDGET_MS = 250
/** The weight of a judge's opinion among the rules. */
export const OPINION_WEIGHT = 5
const MAXIMUM_WEIGHT = 10

/** Judges an action by the rules (and an opinion, if given). It never throws and needs nothing but its arguments. */
export function evaluate(rules: RuleSet, proposal: Proposal, options: EvaluationOptions = {}): Judgement {
  return weigh(applyRules(rules, proposal, options), options)
}

/** The rules that matched or failed, in the order of the file; all fail where context or user are out of bounds. */
export function applyRules(rules: RuleSet, proposal: Proposal, options: EvaluationOptions = {}): Finding[] {
  const steps = applyingRules(rules, proposal, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** The same, rule by rule: between two of them others may have their turn, whose time is not counted. */
export function* applyingRules(
  rules: RuleSet,
  proposal: Proposal,
  options: EvaluationOptions = {},
): Generator<undefined, Finding[]> {
  const { action, context = {}, user = {} } = proposal
  const fault = excess(context, 'context') ?? excess(user, 'user')
  if (fault !== undefined) {
    const failure = `${fault.field} is ${fault.reason}`
    return rules.rules.map((rule) => ({ rule, failure, evidence: [] }))
  }
  const facts: Case = { action, context: factMap(context), user: factMap(user) }
  const now = options.now ?? (() => performance.now())
  const findings: Finding[] = []
  let leftMs = options.budgetMs ?? DEFAULT_BUDGET_MS
  for (const rule of rules.rules) {
    if (leftMs < 0) {
      findings.push({ rule, failure: 'no time was left to evaluate it', evidence: [] })
      continue
    }
    const startMs = now()
    const finding = findingOf(rule, facts)
    if (finding !== undefined) findings.push(finding)
    leftMs -= now() - startMs
    yield
  }
  return findings
}

/** Undefined where the rule does not apply. */
function findingOf(rule: Rule, facts: Case): Finding | undefined {
  try {
    const { holds, evidence } = rule.condition(facts)
    return holds ? { rule, evidence } : undefined
  } catch (error) {
    return { rule, failure: firstLine(error), evidence: [] }
  }
}

/**
 * Decides.
 *
 * Each rule that applies votes with `weight / 10`, for encourage positive, for discourage and forbid negative; an
 * opinion votes with its score, halved, at weight 5. The moral score is the mean of the votes, each counted as often
 * as it weighs: `sum(weight * vote) / sum(weight)`. So it lies in [-1, 1], and several small goods do not outweigh
 * one great wrong. An action is approved when its score is above 0.
 *
 * A forbidding rule that applies decides alone: encouraging rules and an approving opinion are then left out of the
 * score. A rule that failed counts against the action: forbid and discourage as if they had matched, encourage with
 * a vote of 0, which draws the score towards 0 and never makes an action recognised. An action that no rule
 * recognises has the score 0 and the configured default, unless there is an opinion, which then decides.
 */
export function weigh(findings: readonly Finding[], options: WeighingOptions = {}): Judgement {
  const isForbidden = findings.some(({ rule }) => rule.effect === 'forbid')
  const recognised = findings.some((finding) => !isIdle(finding))
  const votes = findings
    .filter(({ rule }) => !isForbidden || rule.effect !== 'encourage')
    .map((finding) => ({ weight: finding.rule.weight, vote: voteOf(finding) }))
  const opinion = options.opinion
  if (opinion !== undefined && !(isForbidden && opinion.score > 0)) {
    votes.push({ weight: OPINION_WEIGHT, vote: (opinion.score * OPINION_WEIGHT) / MAXIMUM_WEIGHT })
  }
  const score = isForbidden || recognised || opinion !== undefined ? mean(votes) : 0
  const decision = decide(isForbidden, recognised || opinion !== undefined, score)
  const approved =
    decision === 'approved' || (decision === 'unrecognised' && options.unrecognised === 'allow')
  const judged = { approved, decision, moral_score: score, recognised }
  return { ...judged, rules: findings.map(describe), explanation: explain(judged, findings, opinion) }
}

/** From the mildest. What nobody knows is better than what speaks for itself, and worse than a yes. */
const STRICTNESS = ['approved', 'unrecognised', 'disapproved', 'forbidden'] as const

/**
 * The stricter of two judgements of one action, such as with and without what its requester says of itself: so that
 * can speak against an action, and never for it.
 */
export function stricter(one: Judgement, other: Judgement): Judgement {
  if (one.approved !== other.approved) return one.approved ? other : one
  const difference = STRICTNESS.indexOf(one.decision) - STRICTNESS.indexOf(other.decision)
  if (difference !== 0) return difference > 0 ? one : other
  return other.moral_score < one.moral_score ? other : one
}

function decide(isForbidden: boolean, isKnown: boolean, score: number): Judgement['decision'] {
  if (isForbidden) return 'forbidden'
  if (!isKnown) return 'unrecognised'
  return score > 0 ? 'approved' : 'disapproved'
}

/** An encouraging rule that failed has nothing to say. */
function isIdle({ rule, failure }: Finding): boolean {
  return failure !== undefined && rule.effect === 'encourage'
}

function voteOf(finding: Finding): number {
  if (isIdle(finding)) return 0
  return (finding.rule.effect === 'encourage' ? 1 : -1) * (finding.rule.weight / MAXIMUM_WEIGHT)
}

function mean(votes: readonly { weight: number; vote: number }[]): number {
  const total = votes.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return 0
  const score = votes.reduce((sum, { weight, vote }) => sum + weight * vote, 0) / total
  // Four decimals are all that weights of one decimal carry; + 0 turns -0 into 0.
  return Math.max(-1, Math.min(1, Math.round(score * 10_000) / 10_000)) + 0
}

function describe({ rule, failure, evidence }: Finding): AppliedRule {
  const reason = failure === undefined ? evidence.join(', ') : failureReason(rule, failure)
  const { name, description, effect, weight } = rule
  return { name, description, effect, weight, ...(reason === '' ? {} : { reason }) }
}

function failureReason(rule: Finding['rule'], failure: string): string {
  const counted =
    rule.effect === 'encourage' ? 'it gives the action no support' : 'it counts as if it applied'
  return `its condition could not be evaluated (${failure}), so ${counted}`
}

const OPENINGS: Record<Judgement['decision'], string> = {
  approved: 'Approved',
  forbidden: 'Forbidden',
  disapproved: 'Not approved',
  unrecognised: 'Unrecognised: no rule knows this action',
}

const WAYS_OUT =
  'To have such actions decided, say it more plainly, add a rule or words to the rule file (JAMEY_RULES), ' +
  'or configure a judge (JAMEY_JUDGE_URL).'

const EFFECT_WORDS = {
  forbid: 'forbids it',
  discourage: 'speaks against it',
  encourage: 'speaks for it',
} as const
const EFFECT_ORDER = ['forbid', 'discourage', 'encourage'] as const

function explain(
  judged: Pick<Judgement, 'approved' | 'decision' | 'moral_score' | 'recognised'>,
  findings: readonly Finding[],
  opinion: Opinion | undefined,
): string {
  const score = `moral score ${shown(judged.moral_score)}`
  const sentences = [`${OPENINGS[judged.decision]} (${score}).`]
  if (judged.decision === 'unrecognised') {
    const consequence = judged.approved ? 'allowed' : 'denied'
    sentences.push(
      `Such actions are ${consequence} by the configured default (JAMEY_UNRECOGNISED).`,
      WAYS_OUT,
    )
  }
  const ordered = [...findings].sort(
    (a, b) =>
      EFFECT_ORDER.indexOf(a.rule.effect) - EFFECT_ORDER.indexOf(b.rule.effect) ||
      b.rule.weight - a.rule.weight,
  )
  sentences.push(...ordered.map((finding) => sentenceOn(finding)))
  if (opinion !== undefined) {
    if (!judged.recognised)
      sentences.push('No rule recognises the action, so the judge’s opinion alone decides.')
    sentences.push(`The judge’s opinion (${shown(opinion.score)}): ${withStop(opinion.text)}`)
  }
  return sentences.join(' ')
}

/** Rounded as half up, so that every place that shows a score to two decimals shows the same; never -0.00. */
function shown(score: number): string {
  return (Math.round(score * 100) / 100 + 0).toFixed(2)
}

function sentenceOn({ rule, failure, evidence }: Finding): string {
  const head = `${rule.name} (${rule.effect}, weight ${rule.weight})`
  if (failure !== undefined) return `${head}: ${failureReason(rule, failure)}.`
  const seen = evidence.length > 0 ? ` [${evidence.join(', ')}]` : ''
  return `${head} ${EFFECT_WORDS[rule.effect]}: ${withStop(rule.description + seen)}`
}

function withStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n')[0] ?? '').slice(0, 200) || 'unknown failure'
}
