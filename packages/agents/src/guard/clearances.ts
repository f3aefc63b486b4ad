import { isDeepStrictEqual } from 'node:util'
import type { CallJudge, ToolCall } from '../model/call-judge.js'
import { forgetOldest } from './bounded-map.js'
import { type ClearedCall, clearCall, type GuardOptions } from './cleared-call.js'

/** A call that was cleared longer ago is judged anew: approvals end, and policies change. */
const GOOD_FOR_MS = 60_000
/** Calls that are cleared and not made yet; the oldest are judged anew. */
const MAXIMUM_KEPT = 1_000

interface Kept {
  readonly cleared: ClearedCall
  readonly untilMs: number
}

/**
 * Calls that were judged in one hook of a framework and are made in another. Such a call is judged once: the approval of
 * a person is good for one verdict, and a second one would ask again.
 */
class Clearances {
  readonly #kept = new Map<string, Kept>()

  keep(cleared: ClearedCall): void {
    this.#kept.set(keyOf(cleared.call), { cleared, untilMs: performance.now() + GOOD_FOR_MS })
    forgetOldest(this.#kept, MAXIMUM_KEPT)
  }

  /** Good for one call of the same tool with the same arguments. */
  take(call: ToolCall): ClearedCall | undefined {
    const key = keyOf(call)
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    const { cleared, untilMs } = kept
    const isSame =
      cleared.call.tool === call.tool &&
      cleared.call.cwd === call.cwd &&
      isDeepStrictEqual(cleared.call.arguments, call.arguments)
    return isSame && performance.now() <= untilMs ? cleared : undefined
  }
}

const byJudge = new WeakMap<CallJudge, Clearances>()

/** Of the call itself, wherever a framework names it. One without an identifier is known by nothing, and not kept. */
function keyOf({ session_id = '', call_id = '' }: ToolCall): string {
  return JSON.stringify([session_id, call_id])
}

function clearancesOf(judge: CallJudge): Clearances {
  const known = byJudge.get(judge) ?? new Clearances()
  byJudge.set(judge, known)
  return known
}

/** Has a call judged before it is made elsewhere: `claimCall` with the same call takes this verdict. */
export async function clearAhead(
  judge: CallJudge,
  call: ToolCall,
  options: GuardOptions,
): Promise<ClearedCall> {
  const cleared = await clearCall(judge, call, options)
  if (call.call_id !== undefined) clearancesOf(judge).keep(cleared)
  return cleared
}

/** As `clearCall`, for a call that may have been cleared ahead. */
export async function claimCall(
  judge: CallJudge,
  call: ToolCall,
  options: GuardOptions,
): Promise<ClearedCall> {
  const cleared = call.call_id === undefined ? undefined : clearancesOf(judge).take(call)
  return cleared ?? (await clearCall(judge, call, options))
}
