/** The thread in which rules are applied: tells of each evaluation what they say, as soon as it is known. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { applyingRules, applyRules, type Finding, type Proposal } from './rules/engine.js'
import { type RuleSet, type RuleText, rulesOf } from './rules/rule-file.js'
import type { Order, Result, ThreadOptions } from './thread/evaluation-message.js'
import { EvaluationScheduler } from './thread/evaluation-scheduler.js'
import { Progress } from './thread/progress.js'

const port = parentPort as MessagePort
const { rules: texts, budgetMs, progress } = workerData as ThreadOptions
const scheduler = new EvaluationScheduler(new Progress(progress))
let rules = readied(texts)

/** Rules that were applied once: the first time takes a hundred times as long, and nobody's budget has to pay that. */
function readied(texts: readonly RuleText[]): RuleSet {
  const rules = rulesOf(texts)
  const action = 'Read the news, summarise what they say about the weather, and do not send it to anybody. '
  applyRules(rules, { action: action.repeat(10) }, { budgetMs: Number.POSITIVE_INFINITY })
  return rules
}

function tell(result: Result): void {
  port.postMessage(result)
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
  if ('rules' in order) rules = readied(order.rules)
  else {
    const { id, sender, proposals, leftMs } = order
    scheduler.add(sender, id, evaluating(id, proposals, performance.now() + leftMs))
  }
})
tell('ready')
