import { BATCH_EVALUATIONS } from '@jamey/contracts'
import type { CallJudge, CallVerdict, ToolCall } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'

/** As JSON, all that is asked about at once: no more than one call alone may have. */
const MAXIMUM_BATCH_BYTES = 512 * 1024

interface Options {
  readonly signal?: AbortSignal | undefined
  /** The token of who asks: calls of different ones are never put together. That of the request itself by default. */
  readonly token?: string | undefined
}

type Settled = PromiseSettledResult<CallVerdict>

/** How a conscience is asked, over whichever way it is reached. */
export interface EvaluationWire {
  one(call: ToolCall, options: Options): Promise<CallVerdict>
  /** In their order. Rejects where nothing came of any of them. */
  several(calls: readonly ToolCall[], options: Options): Promise<readonly (CallVerdict | JudgeError)[]>
}

interface Asked extends Options {
  readonly call: ToolCall
  resolve(verdict: CallVerdict): void
  reject(error: unknown): void
}

/**
 * Asks about calls of one session that come in one turn of the event loop at once, as a framework makes the calls of
 * one turn of its model: one request, in the order in which they came. A call that comes alone is asked about alone,
 * and so is one of another token, for sessions of one name may be those of several. Those without a session belong to
 * nobody known, so they are never put together: the token may differ from one to the next.
 */
export class Evaluations implements Required<Pick<CallJudge, 'evaluate' | 'evaluateAll'>> {
  readonly #wire: EvaluationWire
  /** By session and token. */
  #turn = new Map<string, Asked[]>()

  constructor(wire: EvaluationWire) {
    this.#wire = wire
  }

  async evaluate(call: ToolCall, { signal, token }: Options = {}): Promise<CallVerdict> {
    const { session_id } = call
    if (session_id === undefined) return this.#wire.one(call, { signal, token })
    return new Promise((resolve, reject) => {
      if (this.#turn.size === 0) setImmediate(() => this.#endTurn())
      const whose = JSON.stringify([session_id, token])
      const asked = this.#turn.get(whose) ?? []
      this.#turn.set(whose, asked)
      asked.push({ call, signal, token, resolve, reject })
    })
  }

  async evaluateAll(calls: readonly ToolCall[], options: Options = {}): Promise<readonly Settled[]> {
    const settled: Settled[] = []
    // One after another: a session sees its calls in their order.
    for (const batch of batchesOf(calls)) settled.push(...(await settle(this.#wire, batch, options)))
    return settled
  }

  #endTurn(): void {
    const sessions = [...this.#turn.values()]
    this.#turn = new Map()
    for (const asked of sessions) {
      const [first] = asked
      if (asked.length === 1 && first !== undefined) {
        this.#wire.one(first.call, first).then(first.resolve, first.reject)
      } else void this.#askTogether(asked)
    }
  }

  /** One that is taken back is waited for no longer; the request ends where all of them are. */
  async #askTogether(asked: readonly Asked[]): Promise<void> {
    const all = new AbortController()
    let waiting = asked.length
    const watched = asked.map(({ call, signal, reject }) => {
      const onAbort = (): void => {
        const message = `evaluate of ${call.tool} failed: it was taken back`
        reject(new JudgeError('judge-unreachable', message, { cause: signal?.reason }))
        if (--waiting === 0) all.abort(signal?.reason)
      }
      if (signal?.aborted === true) onAbort()
      else signal?.addEventListener('abort', onAbort)
      return () => signal?.removeEventListener('abort', onAbort)
    })
    const present = asked.filter(({ signal }) => signal?.aborted !== true)
    const settled = await this.evaluateAll(
      present.map(({ call }) => call),
      { signal: all.signal, token: asked[0]?.token },
    )
    for (const [i, { resolve, reject }] of present.entries()) {
      const outcome = settled[i]
      if (outcome?.status === 'fulfilled') resolve(outcome.value)
      else reject(outcome?.reason)
    }
    for (const stop of watched) stop()
  }
}

/** Never rejects: each has its verdict, or why there is none. */
async function settle(
  wire: EvaluationWire,
  calls: readonly ToolCall[],
  options: Options,
): Promise<readonly Settled[]> {
  const eachAlone = () => Promise.allSettled(calls.map((call) => wire.one(call, options)))
  if (calls.length === 1) return eachAlone()
  try {
    const answers = await wire.several(calls, options)
    return answers.map((answer) =>
      answer instanceof JudgeError
        ? { status: 'rejected', reason: answer }
        : { status: 'fulfilled', value: answer },
    )
  } catch (error) {
    // A batch that was refused for one of its calls, or is not known there, was not judged: the others are asked alone.
    if (isNotTaken(error)) return eachAlone()
    return calls.map(() => ({ status: 'rejected', reason: error }))
  }
}

function isNotTaken(error: unknown): boolean {
  if (!(error instanceof JudgeError) || error.code !== 'judge-refused' || error.retryable) return false
  return error.status !== 401 && error.status !== 403
}

function batchesOf(calls: readonly ToolCall[]): ToolCall[][] {
  const batches: ToolCall[][] = []
  let bytes = 0
  for (const call of calls) {
    const own = bytesOf(call)
    const last = batches.at(-1)
    bytes += own
    if (last !== undefined && last.length < BATCH_EVALUATIONS && bytes <= MAXIMUM_BATCH_BYTES) last.push(call)
    else {
      batches.push([call])
      bytes = own
    }
  }
  return batches
}

/** A call without JSON form stands alone, where nothing else fails with it. */
function bytesOf(call: ToolCall): number {
  try {
    return Buffer.byteLength(JSON.stringify(call))
  } catch {
    return MAXIMUM_BATCH_BYTES + 1
  }
}
