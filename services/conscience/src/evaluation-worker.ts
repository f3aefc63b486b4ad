/** The thread in which calls and words are judged: tells of each evaluation what the policy says, as soon as it is known. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Call, callDigest, linksFrom } from '@jamey/calls'
import {
  type CallVerdict,
  judgeCall,
  judgingCall,
  judgingWords,
  type Policy,
  type PolicyText,
  type Surroundings,
} from './policy/policy.js'
import { policyOf } from './policy/policy-file.js'
import type {
  Assignment,
  Findings,
  Order,
  Outcome,
  Report,
  Result,
  ThreadOptions,
  Work,
} from './thread/evaluation-message.js'
import { EvaluationScheduler } from './thread/evaluation-scheduler.js'
import { Progress } from './thread/progress.js'
import { type CallSession, type Remembered, ThreadSessions } from './thread/thread-sessions.js'

const DEFAULT_BUDGET_MS = 250
/** So that what is compiled late is compiled before anybody waits. */
const READYING_ROUNDS = 20
const port = parentPort as MessagePort
const { policy: policyText, budgetMs = DEFAULT_BUDGET_MS, progress } = workerData as ThreadOptions
const scheduler = new EvaluationScheduler(new Progress(progress))
const sessions = new ThreadSessions()
let policy = readied(policyText)

/** A policy that was applied: the first time takes a hundred times as long, and nobody's budget has to pay that. */
function readied(text: PolicyText): Policy {
  const policy = policyOf(text)
  const call = { tool: 'Bash', arguments: { command: 'git status && cat README.md | sort > sorted.txt' } }
  for (let i = 0; i < READYING_ROUNDS; i++) judgeCall(policy, call)
  return policy
}

/** Results of one turn are told together: to wake the other thread takes longer than most of what is told. */
let untold: Result[] = []

function tell(result: Result): void {
  if (untold.length === 0) queueMicrotask(tellAll)
  untold.push(result)
}

function tellOutcome(outcome: Outcome): void {
  tell(JSON.stringify(outcome))
}

function tellAll(): void {
  port.postMessage(untold)
  untold = []
}

function* evaluating(id: number, work: Work, dueMs: number): Generator<undefined, void> {
  const by = policy
  const steps =
    'call' in work ? judgingCall(by, work.call, aroundOf(work, by)) : judgingWords(by, work.words, work)
  let leftMs = budgetMs
  for (;;) {
    const startMs = performance.now()
    // Nobody waits any more: the time goes to those who do.
    if (startMs >= dueMs) return tellOutcome({ id, result: 'late' })
    if (leftMs < 0) return tellOutcome({ id, result: findingsOf(work, outOfTime(by)) })
    const { done, value } = steps.next()
    if (done === true) return tellOutcome({ id, result: findingsOf(work, value) })
    leftMs -= performance.now() - startMs
    yield
  }
}

/** A call that takes too long is not understood. */
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

/** Without facts where there was no time to find them. */
type Reached = Omit<CallVerdict, 'facts'> & Partial<Pick<CallVerdict, 'facts'>>

/** Members that are undefined are not in its JSON. Facts stay here, but for the judge: they may be many times as large as what is asked. */
function findingsOf(work: Work, verdict: Reached): Findings {
  const { decision, reasons, rules, failures, mayBeJudged, readsContext, policyVersion } = verdict
  if (!('call' in work))
    return { decision, reasons, rules, failures, mayBeJudged, readsContext, policyVersion }
  const { call, belongsTo, isForJudge } = work
  const { arguments: changed, facts } = verdict
  return {
    decision,
    reasons,
    rules,
    failures,
    mayBeJudged,
    readsContext,
    policyVersion,
    callDigest: callDigest(call),
    arguments: changed,
    changedCallDigest: changed && callDigest({ ...call, arguments: changed }),
    remembered: belongsTo && facts && rememberedOf(call, belongsTo, { ...verdict, facts }),
    factsFound: isForJudge === true && facts !== undefined ? factsFor(facts) : undefined,
  }
}

/** A call as its session remembers it: with changed arguments, where it may be made with these alone. */
function rememberedOf(call: Call, belongsTo: CallSession, verdict: CallVerdict): Remembered {
  return sessions.called(belongsTo, { ...call, arguments: verdict.arguments ?? call.arguments }, verdict)
}

/** Its strings and numbers are in the arguments already. */
function factsFor({ tool: _, texts: __, numbers: ___, ...found }: CallVerdict['facts']): string {
  return JSON.stringify(found)
}

function aroundOf({ attested, belongsTo }: Extract<Work, { call: unknown }>, by: Policy): Surroundings {
  const links = linksFrom(by.facts.workspace)
  if (belongsTo === undefined) return { attested, links }
  const { session, now } = sessions.provenanceOf(belongsTo)
  return { attested, links, session, now }
}

function* remembering(id: number, { told, key, at }: Report): Generator<undefined, void> {
  yield
  tellOutcome({ id, result: sessions.told(key, told, at) })
}

port.on('message', (orders: readonly Order[]) => {
  for (const order of orders) take(order)
})

function take(order: Order): void {
  if (typeof order === 'string') assign(JSON.parse(order) as Assignment)
  else if ('policy' in order) policy = readied(order.policy)
  else if ('sessions' in order) {
    const damaged = sessions.load(order.sessions)
    if (damaged > 0) tell({ damaged })
  } else tell({ records: sessions.heard(order.heard, order.entry, order.total, order.at) })
}

function assign({ id, sender, work, leftMs }: Assignment): void {
  const dueMs = performance.now() + leftMs
  scheduler.add(sender, id, 'told' in work ? remembering(id, work) : evaluating(id, work, dueMs))
}

tell({ isReady: true })
