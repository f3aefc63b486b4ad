import { randomUUID } from 'node:crypto'
import {
  type Clock,
  type Request,
  type RequestContext,
  RequestError,
  type ServedContract,
  systemClock,
} from '@jamey/bus'
import {
  type CallEvaluation,
  type CallVerdict,
  type Evaluation,
  type TextEvaluation,
  type TextVerdict,
  topics,
  type Verdict,
} from '@jamey/contracts'
import type { Logger } from 'pino'
import type { Policy } from '../policy/policy.js'
import { DEFAULT_POLICY_FILE, loadPolicy } from '../policy/policy-file.js'
import { BOUNDS, excess } from '../rules/bounds.js'
import { type Finding, type Proposal, weigh } from '../rules/engine.js'
import { DEFAULT_RULES_FILE, loadRules, type RuleSet } from '../rules/rule-file.js'
import type { Findings } from '../thread/evaluation-message.js'
import { EvaluationThread, overloadedError } from '../thread/evaluation-thread.js'
import { circumstancesOf, conclude } from '../verdict/circumstances.js'
import { Judge, type JudgeAnswer, type JudgeOptions } from '../verdict/judge.js'
import { ReceiptSigner } from '../verdict/receipts.js'
import { textVerdictOf } from '../verdict/text-verdict.js'
import { type ApprovalOptions, ApprovalService } from './approval-service.js'
import { AttestationListener } from './attestation-listener.js'
import { askOf } from './call-ask.js'
import { callVerdictOf } from './call-verdict.js'
import type { ConscienceBus } from './conscience-bus.js'
import { VerdictRecord } from './verdict-record.js'

export interface ConscienceOptions {
  /** Connected, or connecting in the background; it stays open when the service stops. */
  readonly bus: ConscienceBus
  /** Path of the rule file; the rules of this package by default. */
  readonly rulesFile?: string | undefined
  /** The rules where they are loaded already; then no file is read before `reload`. */
  readonly rules?: RuleSet | undefined
  /** Path of the policy that calls of tools are judged by; that of this package by default. */
  readonly policyFile?: string | undefined
  /** The policy where it is loaded already; then no file is read before `reload`. */
  readonly policy?: Policy | undefined
  /** What becomes of actions that nothing recognises; `deny` by default. */
  readonly unrecognised?: 'deny' | 'allow' | undefined
  /** Without it the rules decide alone. */
  readonly judge?: JudgeOptions | undefined
  /** For all rules of one evaluation; 250 ms by default. What comes later counts against the action. */
  readonly ruleBudgetMs?: number | undefined
  /** What signs receipts: an Ed25519 private key, PKCS #8 in PEM; a new one, for as long as it runs, by default. */
  readonly receiptKey?: string | undefined
  /** Where a rule asks, people are asked; without it nobody can be, and what is asked must not be done. */
  readonly approvals?: ApprovalOptions | undefined
  /** Where every verdict is recorded before it is answered; nothing is recorded without. */
  readonly auditFolder?: string | undefined
  readonly clock?: Clock | undefined
  readonly log?: Logger | undefined
}

export interface ConscienceStats {
  readonly rulesVersion: string
  readonly policyVersion: string
  readonly evaluations: number
  readonly decisions: Readonly<Record<Verdict['decision'], number>>
  readonly judgeFailures: number
  readonly ruleFailures: number
}

export interface Conscience {
  /** Serves; resolves once requests are taken. */
  start(): Promise<void>
  /** Takes no more requests and answers those taken; settles within `graceMs` (5000 by default). */
  stop(options?: { graceMs?: number }): Promise<void>
  /**
   * Reads the rule file and the policy again. Throws `RuleFileError` and keeps both as they were where one of them cannot be
   * used.
   */
  reload(): { rulesVersion: string; policyVersion: string }
  stats(): ConscienceStats
}

/** A sender's evaluations beyond this could not be answered within the time that anybody waits. */
const MAXIMUM_PER_SENDER = 1_000
/** The same kind of failure is reported at most once in this time. */
const REPORT_INTERVAL_MS = 60_000
const ANNOUNCEMENT_TIMEOUT_MS = 5_000
/** The part of a requester's time that the judge may use, so that the rules can still answer. */
const JUDGE_SHARE = 0.7

/** Judges the actions that arrive on the bus. Throws `RuleFileError` when the rules cannot be used. */
export function createConscience(options: ConscienceOptions): Conscience {
  return new BusConscience(options)
}

class BusConscience implements Conscience {
  readonly #options: ConscienceOptions
  readonly #clock: Clock
  readonly #reportedAtMs = new Map<string, number>()
  readonly #decisions = { allow: 0, ask: 0, deny: 0 }
  readonly #attestations: AttestationListener
  readonly #approvals: ApprovalService | undefined
  #thread: EvaluationThread | undefined
  #signer: ReceiptSigner | undefined
  #rules: RuleSet
  #policy: Policy
  #judge: Judge | undefined
  #record: VerdictRecord | undefined
  #served: ServedContract | undefined
  #isWanted = false
  #judgeFailures = 0
  #ruleFailures = 0

  constructor(options: ConscienceOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const report = (kind: string, error: unknown): void => this.#report(kind, error)
    const { bus, approvals } = options
    const parts = { bus, clock: this.#clock, report }
    this.#attestations = new AttestationListener(parts)
    this.#approvals = approvals && new ApprovalService({ ...parts, options: approvals })
    this.#rules = options.rules ?? loadRules(options.rulesFile ?? DEFAULT_RULES_FILE)
    this.#policy = options.policy ?? loadPolicy(options.policyFile ?? DEFAULT_POLICY_FILE)
  }

  async start(): Promise<void> {
    if (this.#isWanted) return
    this.#isWanted = true
    const { bus, judge, log } = this.#options
    this.#judge = judge === undefined ? undefined : new Judge(judge)
    const thread = this.#startThread()
    this.#thread = thread
    try {
      this.#signer = await ReceiptSigner.create(bus.clientId, this.#options.receiptKey)
      this.#record = await this.#openRecord()
      await thread.opened
      // Those that people have to answer are there before anything is judged by them.
      await this.#approvals?.open()
      if (!this.#isWanted) return
      // What was attested before it takes requests counts for them.
      const hearing = this.#attestations.start()
      const options = {
        maximumPerSender: MAXIMUM_PER_SENDER,
        whenRefused: 'retry',
      } as const
      const [served] = await Promise.all([
        bus.serve(topics.conscience.evaluate, options, (request, context) => this.#answer(request, context)),
        this.#approvals?.serve(),
      ])
      // Stopped while it waited for the broker: what was granted since must not stay behind.
      if (!this.#isWanted) return await served.stop()
      this.#served = served
      await hearing
      void this.#tellKeys(this.#signer)
    } catch (error) {
      this.#isWanted = false
      await this.#approvals?.stop()
      await thread.close()
      await this.#record?.close()
      throw error
    }
    const { version: rulesVersion } = this.#rules
    log?.info({ rulesVersion, policyVersion: this.#policy.version }, 'conscience is serving')
  }

  async stop({ graceMs = 5000 }: { graceMs?: number } = {}): Promise<void> {
    if (!this.#isWanted) return
    this.#isWanted = false
    const [judge, thread] = [this.#judge, this.#thread]
    const drained = this.#served?.stop().catch((error: unknown) => this.#report('stop-failed', error))
    this.#served = undefined
    this.#attestations.stop()
    // Opinions still awaited are given up in time for the rules alone to answer.
    const hurry = this.#clock.setTimeout(() => judge?.close(), graceMs * JUDGE_SHARE)
    let end: unknown
    const graceEnded = new Promise<void>((resolve) => {
      end = this.#clock.setTimeout(resolve, graceMs)
    })
    await Promise.race([drained, graceEnded])
    await this.#approvals?.stop()
    this.#clock.clearTimeout(hurry)
    this.#clock.clearTimeout(end)
    judge?.close()
    await thread?.close()
    await this.#record?.close()
    this.#options.log?.info('conscience has stopped')
  }

  reload(): { rulesVersion: string; policyVersion: string } {
    try {
      const [rules, policy] = [loadRules(this.#rules.file), loadPolicy(this.#policy.source.file)]
      this.#rules = rules
      this.#policy = policy
    } catch (error) {
      this.#report('rules-refused', error)
      throw error
    }
    this.#thread?.use(this.#rules, this.#policy)
    const versions = { rulesVersion: this.#rules.version, policyVersion: this.#policy.version }
    this.#options.log?.info(versions, 'rules and policy were read again')
    return versions
  }

  stats(): ConscienceStats {
    const decisions = { ...this.#decisions }
    const evaluations = Object.values(decisions).reduce((sum, count) => sum + count, 0)
    const [rulesVersion, policyVersion] = [this.#rules.version, this.#policy.version]
    const [judgeFailures, ruleFailures] = [this.#judgeFailures, this.#ruleFailures]
    return { rulesVersion, policyVersion, evaluations, decisions, judgeFailures, ruleFailures }
  }

  async #answer(request: Request<Evaluation>, context: RequestContext): Promise<Verdict> {
    const { data, envelope } = request
    const verdict =
      'tool' in data
        ? await this.#callVerdict(request, data, context)
        : await this.#textVerdict(request, data, context)
    this.#decisions[verdict.decision]++
    // What is not on the disk is not answered, so that nothing is done of which there is no record.
    const recorded = this.#record?.write(data, verdict)
    await Promise.all([recorded, this.#announce(verdict, envelope.metadata.correlation_id, context)])
    // Announced without: a receipt is for the one who asked.
    const nowMs = this.#clock.timeOfDay()
    if (data.receipt === true) verdict.receipt = await this.#signer?.sign(verdict, nowMs)
    return verdict
  }

  async #callVerdict(
    { sender, principal, binding }: Request<Evaluation>,
    evaluation: CallEvaluation,
    context: RequestContext,
  ): Promise<CallVerdict> {
    if (this.#thread?.hasRoomFor(principal.clientId, 0) === false) throw overloadedError(principal.clientId)
    // Present for as long as requests are taken.
    const thread = this.#thread as EvaluationThread
    const { tool, arguments: args } = evaluation
    const found = await thread.judge(binding.requested_by, { tool, arguments: args }, context)
    const evaluationId = randomUUID()
    const resolution =
      found.decision === 'ask'
        ? await this.#approvals?.resolve(
            askOf({ found, evaluation, requestedBy: principal.clientId, sentBy: sender.clientId }),
            evaluationId,
            context,
          )
        : undefined
    const nowMs = this.#clock.timeOfDay()
    return callVerdictOf({ evaluationId, evaluation, found, resolution, binding, nowMs })
  }

  async #textVerdict(
    { sender, principal, binding }: Request<Evaluation>,
    proposal: TextEvaluation,
    context: RequestContext,
  ): Promise<TextVerdict> {
    assertWithinBounds(proposal)
    // Before the digest is made, which is most of the work for whoever is refused.
    if (this.#thread?.hasRoomFor(principal.clientId, proposal.action.length) === false) {
      throw overloadedError(principal.clientId)
    }
    const { requested_by: requester, request_digest: digest } = binding
    const attested = this.#attestations.about(digest, requester, sender.clientId)
    const { asserted: all, attested: alone } = circumstancesOf(proposal, attested)
    const { findings, rulesVersion } = await this.#evaluate(
      requester,
      alone === undefined ? [all] : [all, alone],
      context,
    )
    const [byAll = [], byAlone = byAll] = findings
    const answer = await this.#ask(proposal, context)
    const opinion = answer?.status === 'used' ? answer.opinion : undefined
    const options = { unrecognised: this.#options.unrecognised, opinion }
    const asserted = weigh(byAll, options)
    const { judgement, facts } = conclude(
      { evaluation: proposal, requester, digest },
      attested,
      asserted,
      byAlone === byAll ? asserted : weigh(byAlone, options),
    )
    const verdict = textVerdictOf(judgement)
    if (answer?.status === 'failed')
      verdict.explanation += ` The judge was not heard (${answer.error}), so the rules alone decided.`
    return {
      ...verdict,
      evaluation_id: randomUUID(),
      action: proposal.action,
      reasons: [verdict.explanation],
      judge: judgeOf(answer),
      facts,
      rules_version: rulesVersion,
      policy_version: rulesVersion,
      ...binding,
      evaluated_at: new Date(this.#clock.timeOfDay()).toISOString(),
    }
  }

  /** Retained, for whoever verifies receipts. */
  async #tellKeys({ jwk }: ReceiptSigner): Promise<void> {
    try {
      const keys = topics.conscience.keys.schema.parse({ keys: [jwk] })
      await this.#options.bus.publish(topics.conscience.keys, keys, { isDurable: false })
    } catch (error) {
      this.#report('keys-untold', error)
    }
  }

  async #openRecord(): Promise<VerdictRecord | undefined> {
    const { auditFolder, bus, log } = this.#options
    if (auditFolder === undefined) return undefined
    return VerdictRecord.open(auditFolder, { clientId: bus.clientId, clock: this.#clock, log })
  }

  #startThread(): EvaluationThread {
    const { ruleBudgetMs: budgetMs } = this.#options
    const onEnd = (error: RequestError): void => this.#report(error.kind, error)
    const [rules, policy] = [this.#rules, this.#policy]
    return new EvaluationThread({ rules, policy, budgetMs, clock: this.#clock, onEnd })
  }

  async #evaluate(
    sender: string,
    proposals: readonly Proposal[],
    context: RequestContext,
  ): Promise<Findings> {
    // Present for as long as requests are taken.
    const found = await (this.#thread as EvaluationThread).evaluate(sender, proposals, context)
    this.#reportFailures(found.findings.flat())
    return found
  }

  async #ask(proposal: TextEvaluation, { remainingMs }: RequestContext): Promise<JudgeAnswer | undefined> {
    if (this.#judge === undefined) return undefined
    const answer = await this.#judge.ask(proposal, { limitMs: remainingMs * JUDGE_SHARE })
    if (answer.status === 'failed') {
      this.#judgeFailures++
      this.#report(
        'judge-failed',
        new RequestError('judge-failed', `The judge failed: ${answer.error}`, { retryable: true }),
      )
    }
    return answer
  }

  /** A verdict that cannot be announced is still the answer. */
  async #announce(verdict: Verdict, correlationId: string, { remainingMs }: RequestContext): Promise<void> {
    const timeoutMs = Math.max(1, Math.min(ANNOUNCEMENT_TIMEOUT_MS, remainingMs / 2))
    try {
      // The answer waits for it, and a request that was not answered comes again: no need to wait for a disk, too.
      const options = { correlationId, timeoutMs, isDurable: false }
      await this.#options.bus.publish(topics.conscience.results, verdict, options)
    } catch (error) {
      this.#report('announcement-failed', error)
    }
  }

  #reportFailures(findings: readonly Finding[]): void {
    for (const { rule, failure } of findings) {
      if (failure === undefined) continue
      this.#ruleFailures++
      this.#report(
        'rule-failed',
        new RequestError('rule-failed', `Rule ${rule.name} could not be evaluated: ${failure}`),
      )
    }
  }

  #report(kind: string, error: unknown): void {
    const nowMs = this.#clock.now()
    if (nowMs - (this.#reportedAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < REPORT_INTERVAL_MS) return
    this.#reportedAtMs.set(kind, nowMs)
    this.#options.log?.error({ err: error, kind }, 'conscience failed')
    void this.#options.bus.reportError(error, { kind })
  }
}

function assertWithinBounds({ action, context, user }: TextEvaluation): void {
  const length = action.length
  if (action.trim() === '')
    throw new RequestError('invalid-request', 'action: expected text, found only white space.')
  if (length > BOUNDS.actionCharacters) {
    const expected = `at most ${BOUNDS.actionCharacters} characters`
    throw new RequestError('invalid-request', `action: expected ${expected}, found ${length}.`)
  }
  const fault = excess(context, 'context') ?? excess(user, 'user')
  if (fault !== undefined) throw new RequestError('invalid-request', `${fault.field}: it is ${fault.reason}.`)
}

function judgeOf(answer: JudgeAnswer | undefined): Verdict['judge'] {
  if (answer === undefined) return { status: 'not_configured' }
  if (answer.status === 'failed') return { status: 'failed', error: answer.error }
  return { status: 'used', opinion: answer.opinion.text, score: answer.opinion.score }
}
