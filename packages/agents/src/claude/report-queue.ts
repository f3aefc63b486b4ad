import { reportResult } from '../guard/cleared-call.js'
import type { CallJudge, SessionReport } from '../model/call-judge.js'
import { ResultWithheldError } from '../model/errors.js'

type ResultReport = Extract<SessionReport, { kind: 'result' }>

/** Of all sessions together. What is beyond is kept for no session, so none goes on. */
const MAXIMUM_WAITING = 1_000

/**
 * Results that their sessions have not been told yet, though the agent has seen them: Claude Code hands a result on,
 * whatever a hook says. The next call of that session is judged only once it knows them.
 */
export class ReportQueue {
  readonly #judge: CallJudge
  readonly #waiting = new Map<string, ResultReport[]>()
  #count = 0
  #overflow: Error | undefined

  constructor(judge: CallJudge) {
    this.#judge = judge
  }

  /** Never rejects: what cannot be told now is told before the next call. */
  async report(report: ResultReport): Promise<void> {
    try {
      await this.flush(report.session_id)
      await reportResult(this.#judge, report)
    } catch (error) {
      this.#keep(report, error)
    }
  }

  /** Tells a session what waits for it. Rejects where it cannot be told. */
  async flush(sessionId: string): Promise<void> {
    if (this.#overflow !== undefined) throw this.#overflow
    const waiting = this.#waiting.get(sessionId) ?? []
    for (let report = waiting[0]; report !== undefined; report = waiting[0]) {
      await reportResult(this.#judge, report)
      // Another call of the session may have told it meanwhile; twice is as good as once.
      if (waiting[0] === report) {
        waiting.shift()
        this.#count--
      }
    }
    if (waiting.length === 0) this.#waiting.delete(sessionId)
  }

  #keep(report: ResultReport, cause: unknown): void {
    if (this.#count >= MAXIMUM_WAITING) {
      this.#overflow = new ResultWithheldError(report.tool, 'too many results wait to be reported.', cause)
      return
    }
    const waiting = this.#waiting.get(report.session_id) ?? []
    this.#waiting.set(report.session_id, waiting)
    waiting.push(report)
    this.#count++
  }
}
