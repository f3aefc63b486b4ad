/** The thread in which rules are applied: tells of each evaluation what they say, as soon as it is known. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Call, callDigest } from '@jamey/calls'
import { judgeCall, type Policy, type PolicyText } from './policy/policy.js'
import { policyOf } from './policy/policy-file.js'
import { applyingRules, applyRules, type Finding, type Proposal } from './rules/engine.js'
import { type RuleSet, type RuleText, rulesOf } from './rules/rule-file.js'
import type { Order, Result, ThreadOptions } from './thread/evaluation-message.js'
import { EvaluationScheduler } from './thread/evaluation-scheduler.js'
import { Progress } from './thread/progress.js'

/** So that what is compiled late is compiled before anybody waits. */
const READYING_ROUNDS = 20
const port = parentPort as MessagePort
const { rules: texts, policy: policyText, budgetMs, progress } = workerData as ThreadOptions
const scheduler = new EvaluationScheduler(new Progress(progress))
let rules = readied(texts)
let policy = readiedPolicy(policyText)

/** Rules that were applied once: the first time takes a hundred times as long, and nobody's budget has to pay that. */
function readied(texts: readonly RuleText[]): RuleSet {
  const rules = rulesOf(texts)
  const action = 'Read the news, summarise what they say about the weather, and do not send it to anybody. '
  applyRules(rules, { action: action.repeat(10) }, { budgetMs: Number.POSITIVE_INFINITY })
  return rules
}

/** The same for a policy. */
function readiedPolicy(text: PolicyText): Policy {
  const policy = policyOf(text)
  const call = { tool: 'Bash', arguments: { command: 'git status && cat README.md | sort > sorted.txt' } }
  for (let i = 0; i < READYING_ROUNDS; i++) judgeCall(policy, call)
  return policy
}

function tell(result: Result): void {
  port.postMessage(result)
}

function* judging(id: number, call: Call, dueMs: number): Generator<undefined, void> {
  yield
  if (performance.now() >= dueMs) return tell({ id, result: 'late' })
  const { decision, rules, policyVersion } = judgeCall(policy, call)
  tell({ id, result: { decision, rules, policyVersion, callDigest: callDigest(call) } })
}

function* evaluating(id: number, proposals: readonly Proposal[], dueMs: number): Generator<undefined, void> {
  const byRules = rules
  const findings: Finding[][] = []
  for (const proposal of proposals) {
    const found = yield* inTime(applyingRules(byRules, proposal, { budgetMs }), dueMs)
    // Nobody waits any more: the time goes to those who do.
    if (found === undefined) return tell({ id, result: 'late' })
    findings.push(found.map(withoutCondition))
  }
  tell({ id, result: { findings, rulesVersion: byRules.version } })
}

function* inTime(
  steps: Iterator<undefined, Finding[]>,
  dueMs: number,
): Generator<undefined, Finding[] | undefined> {
  while (performance.now() < dueMs) {
    const { done, value } = steps.next()
    if (done === true) return value
    yield
  }
  return undefined
}

/** Functions do not cross threads. */
function withoutCondition({ rule, ...finding }: Finding): Finding {
  const { name, description, weight, effect } = rule
  return { ...finding, rule: { name, description, weight, effect } }
}

port.on('message', (order: Order) => {
  if ('rules' in order) {
    rules = readied(order.rules)
    policy = readiedPolicy(order.policy)
  } else {
    const { id, sender, work, leftMs } = order
    const dueMs = performance.now() + leftMs
    const steps = 'call' in work ? judging(id, work.call, dueMs) : evaluating(id, work.proposals, dueMs)
    scheduler.add(sender, id, steps)
  }
})
tell('ready')
