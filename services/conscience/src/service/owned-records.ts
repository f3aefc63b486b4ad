import type { Clock } from '@jamey/bus'
import type { DurableRecords } from '../approvals/durable-map.js'
import type { ConscienceBus } from './conscience-bus.js'

/** How often one that stands by looks whether the records are free. */
const LOOK_MS = 500

export interface OwnedRecordsParts {
  /** What is kept: under this name it tells in its status why it does not serve. `approvals` by default. */
  readonly what?: string | undefined
  readonly open: () => Promise<DurableRecords>
  readonly clock: Clock
  readonly bus: Pick<ConscienceBus, 'setRemark'>
}

/** Waits until no other process has them. Undefined where `signal` came before. Rejects where they never can be opened. */
export async function openAlone(
  { what = 'approvals', open, clock, bus }: OwnedRecordsParts,
  signal: AbortSignal,
): Promise<DurableRecords | undefined> {
  try {
    while (!signal.aborted) {
      const records = await openFree(open)
      if (records !== undefined && signal.aborted) await records.close()
      else if (records !== undefined) return records
      bus.setRemark(what, `stands by: another process keeps the ${what}`)
      await pause(clock, LOOK_MS, signal)
    }
    return undefined
  } finally {
    bus.setRemark(what, undefined)
  }
}

async function openFree(open: () => Promise<DurableRecords>): Promise<DurableRecords | undefined> {
  try {
    return await open()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'in-use') return undefined
    throw error
  }
}

/** For so long, or until `signal`. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimeout(end, delayMs)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
