import {
  type BusSubscription,
  type Clock,
  type Message,
  type Request,
  type RequestContext,
  RequestError,
  type ServedContract,
} from '@jamey/bus'
import { parametersOf, type SessionNotice, type SessionReport, topics } from '@jamey/contracts'
import type { DurableRecords } from '../approvals/durable-map.js'
import type { SessionKey, SessionRecord } from '../session/session-table.js'
import type { EvaluationThread, SessionRecords } from '../thread/evaluation-thread.js'
import type { CallSession, Remembered, Told } from '../thread/thread-sessions.js'
import type { ConscienceBus } from './conscience-bus.js'
import { openAlone } from './owned-records.js'
import { SERVING } from './serving.js'
import { MemoryRecords, readInParts, written } from './session-records.js'

export type ReportedResult = Extract<SessionReport, { kind: 'result' }>

export interface SessionServiceParts {
  readonly bus: ConscienceBus
  readonly clock: Clock
  /** Opens what sessions are kept in; memory that lasts as long as the process by default. */
  readonly open: (() => Promise<DurableRecords>) | undefined
  readonly report: (kind: string, error: unknown) => void
  /** Resolves once the audit has what came of a call. */
  readonly record: (told: ReportedResult, reportedBy: string) => Promise<void>
}

/** Sessions of those who ask: what is reported of them, on the disk, and among the consciences that serve. */
export class SessionService {
  readonly #parts: SessionServiceParts
  #records: DurableRecords | undefined
  #thread: EvaluationThread | undefined
  #served: ServedContract | undefined
  #heard: BusSubscription | undefined
  #isWanted = false
  #opening = new AbortController()

  constructor(parts: SessionServiceParts) {
    this.#parts = parts
  }

  /**
   * Waits for those of before. Undefined where it is stopped meanwhile. Rejects where they cannot be opened: without them
   * a verdict would be milder than it may be.
   */
  async open(): Promise<SessionRecords | undefined> {
    const { report, open, clock, bus } = this.#parts
    this.#opening = new AbortController()
    const records =
      open === undefined
        ? new MemoryRecords()
        : await openAlone({ what: 'sessions', open, clock, bus }, this.#opening.signal)
    if (records === undefined) return undefined
    this.#records = records
    return {
      load: () => readInParts(records),
      onRecords: (changes) => void this.#write(changes).catch(() => {}),
      onDamaged: (sessions) => {
        const message = `${sessions} sessions are damaged; whatever they allow is asked from now on`
        report('session-damaged', new RequestError('session-damaged', message))
      },
    }
  }

  /** Hears others before it takes reports itself. */
  async start(thread: EvaluationThread): Promise<void> {
    this.#isWanted = true
    this.#thread = thread
    const { bus } = this.#parts
    const heard = await bus.subscribe(topics.conscience.sessions, (message) => this.#hear(message))
    if (!this.#isWanted) return await heard.unsubscribe()
    this.#heard = heard
    const served = await bus.serve(topics.conscience.report, SERVING, (request, context) =>
      this.#answer(request, context),
    )
    if (!this.#isWanted) return await served.stop()
    this.#served = served
  }

  /** Takes no more reports; settles once those taken are answered. */
  async stop(): Promise<void> {
    this.#isWanted = false
    this.#opening.abort()
    void this.#heard?.unsubscribe().catch(() => {})
    this.#heard = undefined
    const served = this.#served
    this.#served = undefined
    await served?.stop()
  }

  async close(): Promise<void> {
    await this.#records?.close()
  }

  /** Undefined for a call that belongs to none. */
  sessionOf(
    principal: string,
    sessionId: string | undefined,
    callId: string | undefined,
  ): CallSession | undefined {
    if (sessionId === undefined) return undefined
    return { key: { principal, id: sessionId }, callId, at: this.#parts.clock.timeOfDay() }
  }

  /**
   * Resolves when a verdict about a call may be told: what may have an effect is on the disk before. A call that only
   * reads counts for nothing once its result is reported, and is taken for one of others where it is not known.
   */
  async keepCall(session: CallSession | undefined, remembered: Remembered | undefined): Promise<void> {
    if (session === undefined || remembered === undefined) return
    const { entry } = remembered
    const done = this.#keep(session.key, remembered)
    const hasEffect =
      entry?.kind === 'call' &&
      entry.decision === 'allow' &&
      entry.effects.some((effect) => effect !== 'read')
    if (hasEffect) return await done
    done.catch(() => {})
  }

  /**
   * Resolves when a call that the rules asked about, and that a person or the judge has allowed, is known to be allowed,
   * also after a restart: what counts calls counts it, whatever is told of it later.
   */
  async keepAllowed(
    session: CallSession | undefined,
    remembered: Remembered | undefined,
    context: RequestContext,
  ): Promise<void> {
    if (session === undefined || remembered?.entry?.kind !== 'call') return
    const { key } = session
    const report = { told: { allowed: remembered.entry }, key, at: this.#parts.clock.timeOfDay() }
    // Present for as long as requests are taken.
    const thread = this.#thread as EvaluationThread
    await this.#keep(key, await thread.tell(key.principal, report, context))
  }

  async #answer(
    { data, principal }: Request<SessionReport>,
    context: RequestContext,
  ): Promise<{ recorded: true }> {
    const key = { principal: principal.clientId, id: data.session_id }
    const at = this.#parts.clock.timeOfDay()
    // Present for as long as reports are taken.
    const thread = this.#thread as EvaluationThread
    const remembered = await thread.tell(principal.clientId, { told: toldBy(data), key, at }, context)
    const recorded = data.kind === 'result' ? this.#parts.record(data, principal.clientId) : Promise.resolve()
    await Promise.all([this.#keep(key, remembered), recorded])
    return { recorded: true }
  }

  /** Others are told first: on one connection it goes before the answer does. */
  async #keep(key: SessionKey, { records, entry, total }: Remembered): Promise<void> {
    if (entry !== undefined) {
      const notice = { principal: key.principal, session_id: key.id, entry: { ...entry }, total }
      const told = this.#parts.bus.publish(topics.conscience.sessions, notice, { isDurable: false })
      told.catch((error: unknown) => this.#parts.report('session-untold', error))
    }
    await this.#write(records)
  }

  async #write(records: readonly SessionRecord[]): Promise<void> {
    try {
      await this.#records?.commit(written(records))
    } catch (error) {
      this.#parts.report('session-unwritten', error)
      this.#thread?.restart('what it remembers could not be written down')
      const message = 'The session could not be written down; try again.'
      throw new RequestError('session-unwritten', message, { retryable: true })
    }
  }

  #hear({ topic, data, sender }: Message<SessionNotice>): void {
    const { client_id: teller } = parametersOf(topics.conscience.sessions, topic) ?? {}
    if (!sender.isVerified || sender.clientId !== teller || teller === this.#parts.bus.clientId) return
    const { principal, session_id: id, entry, total } = data
    this.#thread?.hear({ heard: { principal, id }, entry, total, at: this.#parts.clock.timeOfDay() })
  }
}

function toldBy(report: SessionReport): Told {
  if (report.kind === 'request') return { request: report.text }
  const { tool, call_id: callId, result, outcome } = report
  return { result: { callId, tool, result, outcome } }
}
