/** The thread in which rules are applied: tells of each evaluation what they say, as soon as it is known. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Bench } from './bench.js'
import { applyingRules, applyRules, type Finding, type Proposal } from './engine.js'
import type { Order, Result, ThreadOptions } from './evaluation-message.js'
import { Progress } from './progress.js'
import { type RuleSet, type RuleText, rulesOf } from './rule-file.js'

const port = parentPort as MessagePort
const { rules: texts, budgetMs, progress } = workerData as ThreadOptions
const bench = new Bench(new Progress(progress))
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

function* evaluating(id: number, proposal: Proposal, dueMs: number): Generator<undefined, void> {
  const { version: rulesVersion } = rules
  const steps = applyingRules(rules, proposal, { budgetMs })
  while (performance.now() < dueMs) {
    const { done, value } = steps.next()
    if (done === true) return tell({ id, result: { findings: value.map(withoutCondition), rulesVersion } })
    yield
  }
  // Nobody waits any more: the time goes to those who do.
  tell({ id, result: 'late' })
}

/** Functions do not cross threads. */
function withoutCondition({ rule, ...finding }: Finding): Finding {
  const { name, description, weight, effect } = rule
  return { ...finding, rule: { name, description, weight, effect } }
}

port.on('message', (order: Order) => {
  if ('rules' in order) rules = readied(order.rules)
  else bench.hear(order.id, evaluating(order.id, order.proposal, performance.now() + order.leftMs))
})
tell('ready')
