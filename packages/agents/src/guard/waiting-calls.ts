import type { CallJudge } from '../model/call-judge.js'

/** How many calls of this process wait for an approval: those with the same arguments, in the same session, share one. */
const waiting = new Map<string, number>()

export async function waitingFor<Answer>(approvalId: string, wait: () => Promise<Answer>): Promise<Answer> {
  waiting.set(approvalId, (waiting.get(approvalId) ?? 0) + 1)
  try {
    return await wait()
  } finally {
    const left = (waiting.get(approvalId) ?? 1) - 1
    if (left > 0) waiting.set(approvalId, left)
    else waiting.delete(approvalId)
  }
}

/**
 * Has people asked no longer about a call that was taken back, unless another call waits for the same answer. Nobody waits
 * for it, and where it fails people are asked until the approval expires: the call is not made either way.
 */
export function withdrawUnawaited(judge: CallJudge, approvalId: string | undefined): void {
  if (approvalId === undefined || waiting.has(approvalId)) return
  judge.withdraw?.(approvalId, { because: 'the call was taken back' }).catch(() => {})
}

/** Rejects as soon as the signal is aborted; what was waited for goes on. */
export async function unlessAborted<Answer>(
  promise: Promise<Answer>,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  if (signal === undefined) return promise
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
