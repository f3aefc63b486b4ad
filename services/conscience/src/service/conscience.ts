import { type Clock, FailureReports, type RequestError, type ServedContract, systemClock } from '@jamey/bus'
import { atConscience, topics, type Verdict } from '@jamey/contracts'
import type { Logger } from 'pino'
import type { DurableRecords } from '../approvals/durable-map.js'
import type { Policy } from '../policy/policy.js'
import { loadPolicy } from '../policy/policy-file.js'
import { EvaluationThread, type SessionRecords } from '../thread/evaluation-thread.js'
import { JUDGE_SHARE, Judge, type JudgeOptions } from '../verdict/judge.js'
import { ReceiptSigner } from '../verdict/receipts.js'
import { type ApprovalOptions, ApprovalService } from './approvals/approval-service.js'
import { AttestationListener } from './attestation-listener.js'
import type { ConscienceBus } from './conscience-bus.js'
import { SERVING } from './serving.js'
import { SessionService } from './session-service.js'
import { VerdictAnnouncements } from './verdict-announcements.js'
import { VerdictAnswers } from './verdict-answers.js'
import { listVerdicts } from './verdict-list.js'
import { VerdictMaker } from './verdict-maker.js'
import { VerdictRecord } from './verdict-record.js'

export interface ConscienceOptions {
  /** Connected, or connecting in the background; it stays open when the service stops. */
  readonly bus: ConscienceBus
  /** Path of the policy; that of this package by default. */
  readonly policyFile?: string | undefined
  /** The policy where it is loaded already; then no file is read before `reload`. */
  readonly policy?: Policy | undefined
  /** Gives an opinion on words; without it the policy decides alone. */
  readonly judge?: JudgeOptions | undefined
  /** For one evaluation; 250 ms by default. What takes longer is not understood, and asked. */
  readonly ruleBudgetMs?: number | undefined
  /** The key that signs receipts: an Ed25519 private key, PKCS #8 in PEM; a new one, for as long as it runs, by default. */
  readonly receiptKey?: string | undefined
  /** Where a rule asks, people are asked; without it nobody can be, and what is asked must not be done. */
  readonly approvals?: ApprovalOptions | undefined
  /** Where every verdict is recorded before it is answered; nothing is recorded without. */
  readonly auditFolder?: string | undefined
  /** Records that sessions are kept in; memory that lasts as long as the process by default. */
  readonly sessions?: { readonly open: () => Promise<DurableRecords> } | undefined
  /**
   * False: while the server says that nobody is subscribed to verdicts (0x10 in PUBACK), most are not sent to it. Whoever
   * subscribes gets those from then on. True by default: some servers hand messages to rules and bridges of their own,
   * which they do not count as subscribers.
   */
  readonly announcesUnheard?: boolean | undefined
  readonly clock?: Clock | undefined
  readonly log?: Logger | undefined
}

export interface ConscienceStats {
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
  /** Reads the policy again. Throws `RuleFileError` and keeps the old one where the new one cannot be used. */
  reload(): { policyVersion: string }
  stats(): ConscienceStats
}

/** Batches of one sender; what they ask about is bounded where it waits for the thread. */
const BATCHES = { maximumPerSender: 100, whenRefused: 'retry' } as const

/** Judges what arrives on the bus. Throws `RuleFileError` when the policy cannot be used. */
export function createConscience(options: ConscienceOptions): Conscience {
  return new BusConscience(options)
}

class BusConscience implements Conscience {
  readonly #options: ConscienceOptions
  readonly #clock: Clock
  readonly #decisions = { allow: 0, ask: 0, deny: 0 }
  readonly #failures: FailureReports
  readonly #attestations: AttestationListener
  readonly #approvals: ApprovalService | undefined
  readonly #sessions: SessionService
  readonly #announcements: VerdictAnnouncements
  #policy: Policy
  #thread: EvaluationThread | undefined
  #verdicts: VerdictMaker | undefined
  #judge: Judge | undefined
  #record: VerdictRecord | undefined
  #served: ServedContract[] = []
  #isWanted = false

  constructor(options: ConscienceOptions) {
    const { bus, log, clock = systemClock } = options
    this.#options = options
    this.#clock = clock
    this.#failures = new FailureReports({
      bus,
      clock,
      log: (err, kind) => log?.error({ event: 'conscience.failed', err, kind }, 'conscience failed'),
    })
    const report = (kind: string, error: unknown): void => this.#failures.report(kind, error)
    const parts = { bus, clock, report }
    this.#attestations = new AttestationListener(parts)
    this.#approvals =
      options.approvals &&
      new ApprovalService({
        ...parts,
        options: options.approvals,
        record: async (approval) => this.#record?.approval(approval),
      })
    this.#sessions = new SessionService({
      ...parts,
      open: options.sessions?.open,
      record: async (told, reportedBy) => this.#record?.outcome(told, reportedBy),
    })
    const { announcesUnheard = true } = options
    this.#announcements = new VerdictAnnouncements({ bus, announcesUnheard, report })
    this.#policy = options.policy ?? loadPolicy(options.policyFile)
  }

  async start(): Promise<void> {
    if (this.#isWanted) return
    this.#isWanted = true
    const { bus, judge, log } = this.#options
    this.#judge = judge === undefined ? undefined : new Judge(judge)
    let thread: EvaluationThread | undefined
    try {
      const records = await this.#sessions.open()
      if (records === undefined) return
      thread = this.#startThread(records)
      this.#thread = thread
      this.#verdicts = this.#verdictMaker(thread)
      const signer = await ReceiptSigner.create(bus.clientId, this.#options.receiptKey)
      this.#record = await this.#openRecord()
      const answers = this.#verdictAnswers(this.#verdicts, signer)
      await thread.opened
      // Those that people have to answer are there before anything is judged by them.
      await this.#approvals?.open()
      if (!this.#isWanted) return
      await this.#sessions.start(thread)
      // Attestations from before it takes requests count for them.
      const hearing = this.#attestations.start()
      const [...served] = await Promise.all([
        bus.serve(topics.conscience.evaluate, SERVING, (request, context) =>
          answers.answer(request, context),
        ),
        bus.serve(topics.conscience.evaluateBatch, BATCHES, (batch, context) =>
          answers.answerAll(batch, context),
        ),
        this.#serveAudit(),
        this.#approvals?.serve(),
      ])
      // Stopped while it waited for the broker: what was granted since must not stay behind.
      this.#served = served.filter((one) => one !== undefined)
      if (!this.#isWanted) return await this.#unserve()
      await hearing
      void this.#tellKeys(signer)
    } catch (error) {
      this.#isWanted = false
      await this.#approvals?.stop()
      await this.#sessions.stop().catch(() => {})
      await thread?.close()
      await this.#sessions.close()
      await this.#record?.close()
      throw error
    }
    log?.info(
      { event: 'conscience.serving', policyVersion: this.#policy.version, rules: this.#policy.rules.length },
      'conscience is serving',
    )
  }

  async stop({ graceMs = 5000 }: { graceMs?: number } = {}): Promise<void> {
    if (!this.#isWanted) return
    this.#isWanted = false
    const [judge, thread] = [this.#judge, this.#thread]
    // At once: a topic of which one action is served still would have requests for the others refused.
    const ends = [this.#unserve(), this.#approvals?.unserve(), this.#sessions.stop()]
    const drained = Promise.all(ends).catch((error: unknown) => this.#failures.report('stop-failed', error))
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
    await this.#sessions.close()
    await this.#record?.close()
    this.#options.log?.info({ event: 'conscience.stopped' }, 'conscience has stopped')
  }

  reload(): { policyVersion: string } {
    try {
      this.#policy = loadPolicy(this.#policy.source.file)
    } catch (error) {
      this.#failures.report('policy-refused', error)
      throw error
    }
    this.#thread?.use(this.#policy)
    const { version: policyVersion } = this.#policy
    this.#options.log?.info(
      { event: 'conscience.policy.reloaded', policyVersion },
      'the policy was read again',
    )
    return { policyVersion }
  }

  stats(): ConscienceStats {
    const decisions = { ...this.#decisions }
    const evaluations = Object.values(decisions).reduce((sum, count) => sum + count, 0)
    const { judgeFailures = 0, ruleFailures = 0 } = this.#verdicts ?? {}
    return { policyVersion: this.#policy.version, evaluations, decisions, judgeFailures, ruleFailures }
  }

  async #unserve(): Promise<void> {
    const served = this.#served
    this.#served = []
    await Promise.all(served.map((one) => one.stop()))
  }

  /** One page at a time: whoever asks for many reads no more of the disk than others leave. */
  async #serveAudit(): Promise<ServedContract | undefined> {
    const { auditFolder, bus } = this.#options
    if (auditFolder === undefined) return undefined
    const options = { ...BATCHES, concurrency: 1, acknowledged: 'taken' } as const
    return bus.serve(atConscience(topics.conscience.verdicts, bus.clientId), options, ({ data }) =>
      listVerdicts(auditFolder, data),
    )
  }

  /** Retained, for whoever verifies receipts. */
  async #tellKeys({ jwk }: ReceiptSigner): Promise<void> {
    try {
      const keys = topics.conscience.keys.schema.parse({ keys: [jwk] })
      await this.#options.bus.publish(topics.conscience.keys, keys, { isDurable: false })
    } catch (error) {
      this.#failures.report('keys-untold', error)
    }
  }

  async #openRecord(): Promise<VerdictRecord | undefined> {
    const { auditFolder, bus, log } = this.#options
    if (auditFolder === undefined) return undefined
    return VerdictRecord.open(auditFolder, { clientId: bus.clientId, clock: this.#clock, log })
  }

  #verdictAnswers(maker: VerdictMaker, signer: ReceiptSigner): VerdictAnswers {
    return new VerdictAnswers({
      maker,
      signer,
      record: this.#record,
      approvals: this.#approvals,
      announcements: this.#announcements,
      clock: this.#clock,
      report: (kind, error) => this.#failures.report(kind, error),
      onVerdict: ({ decision }) => {
        this.#decisions[decision]++
      },
    })
  }

  #startThread(sessions: SessionRecords): EvaluationThread {
    const { ruleBudgetMs: budgetMs } = this.#options
    const onEnd = (error: RequestError): void => this.#failures.report(error.kind, error)
    return new EvaluationThread({ policy: this.#policy, budgetMs, clock: this.#clock, onEnd, sessions })
  }

  #verdictMaker(thread: EvaluationThread): VerdictMaker {
    const report = (kind: string, error: unknown): void => this.#failures.report(kind, error)
    const [attestations, approvals] = [this.#attestations, this.#approvals]
    const [judge, clock] = [this.#judge, this.#clock]
    const sessions = this.#sessions
    return new VerdictMaker({ thread, attestations, approvals, sessions, judge, clock, report })
  }
}
