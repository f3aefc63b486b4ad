import {
  type Call,
  collectingFacts,
  collectingWords,
  type FactOptions,
  type Facts,
  type Links,
  type Words,
} from '@jamey/calls'
import type { Decision } from '@jamey/contracts'
import type { JudgedCall, Session } from '../session/session.js'
import type { Source } from '../session/session-entry.js'
import { changed, redacts } from './change.js'
import type { Circumstances } from './circumstances.js'
import type { PolicyRule } from './rule.js'
import type { RuleIndex } from './rule-index.js'
import { NO_SESSION, sessionView } from './session-view.js'

/** The session that a call belongs to, and the time, in milliseconds since 1970. */
export interface Provenance {
  readonly session: Session
  readonly now: number
}

/** Facts beside a call or words, from others than whoever asks. */
export interface Surroundings extends Partial<Provenance> {
  /** Facts that others vouch for. */
  readonly attested?: Readonly<Record<string, unknown>> | undefined
  /** Where links of the workspace lead, as they are when this call is judged. */
  readonly links?: Links | undefined
}

/** The text that a policy is made of, and its place. */
export interface PolicyText {
  readonly file: string
  readonly text: string
  /** Absolute; where the file names none. */
  readonly workspace: string
  /** Absolute. */
  readonly home: string
}

/** Rules, and what they need to know of the place they are for. */
export interface Policy {
  readonly version: string
  readonly source: PolicyText
  readonly rules: readonly PolicyRule[]
  readonly index: RuleIndex
  readonly facts: FactOptions
  readonly lists: Readonly<Record<string, readonly string[]>>
}

export interface AppliedPolicyRule {
  readonly name: string
  readonly decision: Decision
  readonly reason: string
  /** 2 where two people have to approve. */
  readonly approvers?: 1 | 2 | undefined
}

export interface CallVerdict {
  readonly decision: Decision
  /** Why, for people; empty where no rule knows it. */
  readonly reasons: readonly string[]
  /** Those that decided, and those that they overruled. */
  readonly rules: readonly AppliedPolicyRule[]
  /** In the place of the arguments that were asked about: the call may be made with these alone. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
  readonly facts: Facts
  /** Rules that could not be evaluated, and why. */
  readonly failures: readonly string[]
  /** True where the opinion of a model may make `allow` of it. */
  readonly mayBeJudged: boolean
  /** True where a rule applied that looks at what whoever asks says of itself. */
  readonly readsContext: boolean
  readonly policyVersion: string
}

/**
 * `deny` beats `ask`, and `ask` beats `allow`. What no rule knows is asked. Without its session nothing is known to come
 * from the user. The session is only looked at: whoever goes by the verdict tells it (`judgedCall`).
 */
export function judgeCall(policy: Policy, call: Call, around: Surroundings = {}): CallVerdict {
  return finished(judgingCall(policy, call, around))
}

/** An earlier call may have left the tool's shell elsewhere. */
function factOptions({ facts }: Policy, { tool }: Call, { session, links }: Surroundings): FactOptions {
  const folders = session?.foldersOf(tool) ?? []
  const variables = session?.variablesOf(tool) ?? []
  const { workspace, home, guards, tools } = facts
  // Member by member, in one shape: a copy with members added to it costs each call a new one.
  return { workspace, home, guards, tools, folders, variables, links } satisfies Required<FactOptions>
}

/** The same for words: what is said beside them is judged as the arguments of a call are. */
export function judgeWords(policy: Policy, words: Words, around: Surroundings = {}): CallVerdict {
  return finished(judgingWords(policy, words, around))
}

/** `judgeCall` in steps, between which others may have their turn. */
export function* judgingCall(
  policy: Policy,
  call: Call,
  around: Surroundings = {},
): Generator<undefined, CallVerdict> {
  const options = factOptions(policy, call, around)
  const facts = yield* collectingFacts(call, options)
  const { intent = '' } = call
  const said = intent === '' ? undefined : yield* saidIn(policy, intent)
  const context = { kind: 'call', context: {}, said, around } as const
  const first = yield* applying(policy, facts, context)
  const asItIs = verdictOf(policy, facts, first)
  if (asItIs.decision === 'deny') return asItIs
  const other = changedBy(first, call.arguments, facts)
  if (other === call.arguments) return asItIs
  if (other === undefined) return stricter(asItIs, 'ask', NOT_CHANGED)
  const otherFacts = yield* collectingFacts({ ...call, arguments: other }, options)
  const second = yield* applying(policy, otherFacts, context)
  const verdict = {
    ...verdictOf(policy, otherFacts, merged(first.filter(isChanging), second)),
    arguments: other,
  }
  // Once more and no further: rules may change what others made without an end.
  const again = changedBy(second, other, otherFacts)
  if (again === undefined) return stricter(verdict, 'ask', NOT_CHANGED)
  if (again !== other) return stricter(verdict, 'ask', NOT_SETTLED)
  return second.some(({ decision, failure }) => decision === 'allow' && failure === undefined)
    ? verdict
    : stricter(verdict, 'ask', 'its arguments were changed, and no rule allows what became of them')
}

const NOT_CHANGED = 'its arguments could not be changed as a rule says'
const NOT_SETTLED = 'its arguments were changed, and a rule would change what became of them again'

/** As `changed` has it, with the changes of all that could be evaluated. What cannot be redacted cannot be changed. */
function changedBy(
  found: readonly Applied[],
  before: Call['arguments'],
  { secrets }: Facts,
): Call['arguments'] | undefined {
  const changes = found.filter(isChanging).flatMap((rule) => rule.changes)
  if (changes.length === 0) return before
  const after = changed(before, changes)
  return after === before && secrets.some(({ where }) => changes.some((one) => redacts(one, where)))
    ? undefined
    : after
}

function isChanging({ changes, failure }: Applied): boolean {
  return changes.length > 0 && failure === undefined
}

/** `judgeWords` in steps. */
export function* judgingWords(
  policy: Policy,
  words: Words,
  around: Surroundings = {},
): Generator<undefined, CallVerdict> {
  const facts = yield* collectingWords(words, policy.facts)
  const context = { ...words.user, ...words.context }
  return verdictOf(policy, facts, yield* applying(policy, facts, { kind: 'text', context, around }))
}

/** An agent's own word for why it makes a call, and what stands in it. */
type Said = Pick<Circumstances, 'intent' | 'signals' | 'secrets' | 'unread'>

/** It names no targets of the call, so of its facts there are those alone which are none. */
function* saidIn(policy: Policy, intent: string): Generator<undefined, Said> {
  const { signals, secrets, unread } = yield* collectingWords({ action: intent }, policy.facts)
  const placed = <Fact>(facts: readonly Fact[]) => facts.map((fact) => ({ ...fact, where: 'intent' }))
  return { intent, signals: placed(signals), secrets: placed(secrets), unread: placed(unread) }
}

interface Asked {
  readonly kind: Circumstances['kind']
  readonly context: Circumstances['context']
  readonly said?: Said | undefined
  readonly around: Surroundings
}

/** `failure`: why it could not be evaluated. */
type Applied = Omit<PolicyRule, 'applies' | 'needs'> & { readonly failure?: string }

/** So few that others hardly wait for them, and so many that a step is little of the work. */
const RULES_AT_ONCE = 20

/** Those that apply, some rules at a step. */
function* applying(policy: Policy, facts: Facts, asked: Asked): Generator<undefined, Applied[]> {
  const { kind, said } = asked
  const circumstances = circumstancesOf(policy, facts, asked)
  // Words about oneself count against the action, and so does their absence.
  const otherwise = kind === 'text' ? { ...circumstances, context: {} } : said && heard(circumstances, said)
  const found: Applied[] = []
  let tried = 0
  for (const rule of policy.index.candidates(circumstances, otherwise)) {
    let applied = appliedRule(rule, circumstances)
    if (applied === undefined && otherwise !== undefined) {
      const isTriedOtherwise = kind === 'text' ? rule.readsContext : rule.decision !== 'allow'
      if (isTriedOtherwise) applied = appliedRule(rule, otherwise)
    }
    if (applied !== undefined) found.push(applied)
    if (++tried % RULES_AT_ONCE === 0) yield
  }
  return found
}

/** Field by field: an object of a fixed shape, which conditions look into some hundred times. */
function circumstancesOf({ lists }: Policy, facts: Facts, { kind, context, around }: Asked): Circumstances {
  const { attested = {}, session, now = 0 } = around
  const { tool, isKnown: known, effects, commands, files, urls, mails, recipients, amounts } = facts
  const { numbers, sql, code, secrets, signals, texts, unread } = facts
  return {
    kind,
    known,
    context,
    intent: '',
    attested,
    session: session === undefined ? NO_SESSION : sessionView(session, now),
    lists,
    tool,
    effects,
    commands,
    files,
    urls,
    mails,
    recipients,
    amounts,
    numbers,
    sql,
    code,
    secrets,
    signals,
    texts,
    unread,
  }
}

function heard(circumstances: Circumstances, { intent, signals, secrets, unread }: Said): Circumstances {
  return {
    ...circumstances,
    intent,
    signals: [...circumstances.signals, ...signals],
    secrets: [...circumstances.secrets, ...secrets],
    unread: [...circumstances.unread, ...unread],
  }
}

function appliedRule(rule: PolicyRule, circumstances: Circumstances): Applied | undefined {
  try {
    return rule.applies(circumstances) ? rule : undefined
  } catch (error) {
    const failure = ((error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '').slice(
      0,
      200,
    )
    return { ...rule, reason: `${rule.reason} (it could not be evaluated: ${failure})`, failure }
  }
}

function verdictOf(policy: Policy, facts: Facts, found: readonly Applied[]): CallVerdict {
  const decision = decisionOf(found)
  const reasons: string[] = []
  const rules: AppliedPolicyRule[] = []
  const failures: string[] = []
  let [mayBeJudged, readsContext] = [decision === 'ask', false]
  for (const rule of found) {
    const { name, reason, approvers, failure } = rule
    if (failure !== undefined) failures.push(`Rule ${name} could not be evaluated: ${failure}`)
    if (!counts(rule)) continue
    if (rule.decision === decision) reasons.push(reason)
    if (rule.decision === 'ask' && !rule.mayBeJudged) mayBeJudged = false
    readsContext ||= rule.readsContext
    const told = { name, decision: rule.decision, reason }
    rules.push(approvers === undefined ? told : { ...told, approvers })
  }
  // A call that no rule asks about nobody may allow.
  mayBeJudged &&= reasons.length > 0
  const { version: policyVersion } = policy
  return { decision, reasons, rules, facts, failures, mayBeJudged, readsContext, policyVersion }
}

/** A rule that would allow and cannot be evaluated allows nothing; one that would not, does not. */
function counts({ decision, failure }: Applied): boolean {
  return decision !== 'allow' || failure === undefined
}

function merged(changing: readonly Applied[], second: readonly Applied[]): Applied[] {
  const names = new Set(second.map(({ name }) => name))
  return [...changing.filter(({ name }) => !names.has(name)), ...second]
}

function stricter(verdict: CallVerdict, decision: Decision, reason: string): CallVerdict {
  if (verdict.decision !== 'allow') return verdict
  return { ...verdict, decision, reasons: [reason], mayBeJudged: false }
}

function decisionOf(found: readonly Applied[]): Decision {
  let decision: Decision | undefined
  for (const rule of found) {
    if (rule.decision === 'deny') return 'deny'
    if (rule.decision === 'ask') decision = 'ask'
    else if (counts(rule)) decision ??= 'allow'
  }
  return decision ?? 'ask'
}

/** A call that was judged, as its session is to remember it. */
export function judgedCall(
  call: Call,
  { decision, facts }: Pick<CallVerdict, 'decision' | 'facts'>,
  id?: string,
): JudgedCall {
  const { effects, amounts, recipients, folders } = facts
  return {
    id,
    ...call,
    decision,
    effects,
    source: sourceOf(facts),
    amount: amounts.reduce((sum, { amount }) => sum + amount, 0),
    recipients: recipients.map(({ text }) => text),
    folders,
  }
}

/** Effects that bring in what others wrote, whatever the tool is said to be. */
const FROM_ELSEWHERE: ReadonlySet<string> = new Set(['outward-read', 'send', 'execute'])

/** The agent's own files and programs vouch for nothing, and mean nothing by what is in them. */
function sourceOf({ isTrusted, isUntrusted, isKnown, effects, files, urls }: Facts): Source {
  if (isTrusted) return 'trusted'
  const isOutside = urls.length > 0 || files.some(({ place }) => place !== 'workspace')
  return isUntrusted || !isKnown || isOutside || effects.some((effect) => FROM_ELSEWHERE.has(effect))
    ? 'untrusted'
    : 'neutral'
}

function finished<Result>(steps: Generator<undefined, Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
