/** The thread in which calls and words are judged: tells of each evaluation what the policy says, as soon as it is known. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { callDigest } from '@jamey/calls'
import {
  type CallVerdict,
  judgeCall,
  judgingCall,
  judgingWords,
  type Policy,
  type PolicyText,
} from './policy/policy.js'
import { policyOf } from './policy/policy-file.js'
import type { Findings, Order, Result, ThreadOptions, Work } from './thread/evaluation-message.js'
import { EvaluationScheduler } from './thread/evaluation-scheduler.js'
import { Progress } from './thread/progress.js'

const DEFAULT_BUDGET_MS = 250
/** So that what is compiled late is compiled before anybody waits. */
const READYING_ROUNDS = 20
const port = parentPort as MessagePort
const { policy: policyText, budgetMs = DEFAULT_BUDGET_MS, progress } = workerData as ThreadOptions
const scheduler = new EvaluationScheduler(new Progress(progress))
let policy = readied(policyText)

/** A policy that was applied: the first time takes a hundred times as long, and nobody's budget has to pay that. */
function readied(text: PolicyText): Policy {
  const policy = policyOf(text)
  const call = { tool: 'Bash', arguments: { command: 'git status && cat README.md | sort > sorted.txt' } }
  for (let i = 0; i < READYING_ROUNDS; i++) judgeCall(policy, call)
  return policy
}

function tell(result: Result): void {
  port.postMessage(result)
}

function* evaluating(id: number, work: Work, dueMs: number): Generator<undefined, void> {
  const by = policy
  const steps = 'call' in work ? judgingCall(by, work.call, work) : judgingWords(by, work.words, work)
  let leftMs = budgetMs
  for (;;) {
    const startMs = performance.now()
    // Nobody waits any more: the time goes to those who do.
    if (startMs >= dueMs) return tell({ id, result: 'late' })
    if (leftMs < 0) return tell({ id, result: withDigests(work, outOfTime(by)) })
    const { done, value } = steps.next()
    if (done === true) return tell({ id, result: withDigests(work, value) })
    leftMs -= performance.now() - startMs
    yield
  }
}

/** What takes too long is not understood. */
function outOfTime({ version: policyVersion }: Policy): Omit<CallVerdict, 'facts'> {
  const reasons = [`it could not be judged within ${budgetMs} ms`]
  return {
    decision: 'ask',
    reasons,
    rules: [],
    failures: [],
    mayBeJudged: false,
    readsContext: false,
    policyVersion,
  }
}

function withDigests(work: Work, verdict: Omit<CallVerdict, 'facts'> & { facts?: unknown }): Findings {
  // Facts stay here: they may be many times as large as what is asked.
  const { facts: _, arguments: changed, ...found } = verdict
  if (!('call' in work)) return found
  const { tool } = work.call
  const digested = { ...found, callDigest: callDigest(work.call) }
  if (changed === undefined) return digested
  return { ...digested, arguments: changed, changedCallDigest: callDigest({ tool, arguments: changed }) }
}

port.on('message', (order: Order) => {
  if ('policy' in order) policy = readied(order.policy)
  else {
    const { id, sender, work, leftMs } = order
    scheduler.add(sender, id, evaluating(id, work, performance.now() + leftMs))
  }
})
tell('ready')
