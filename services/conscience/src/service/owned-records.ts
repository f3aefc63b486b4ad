import { type Clock, takeWhenFree } from '@jamey/bus'
import type { DurableRecords } from '../approvals/durable-map.js'
import type { ConscienceBus } from './conscience-bus.js'

export interface OwnedRecordsParts {
  /** The name of what is kept, under which the status tells why it does not serve. */
  readonly what: string
  readonly open: () => Promise<DurableRecords>
  readonly clock: Clock
  readonly bus: Pick<ConscienceBus, 'setRemark'>
}

/** Waits until no other process has them. Undefined where `signal` came before. Rejects where they never can be opened. */
export async function openAlone(
  { what, open, clock, bus }: OwnedRecordsParts,
  signal: AbortSignal,
): Promise<DurableRecords | undefined> {
  const remark = `stands by: another process keeps the ${what}`
  const onStandby = (isStandby: boolean): void => bus.setRemark(what, isStandby ? remark : undefined)
  const records = await takeWhenFree(() => openFree(open), { clock, signal, onStandby })
  if (records === undefined || !signal.aborted) return records
  await records.close()
  return undefined
}

async function openFree(open: () => Promise<DurableRecords>): Promise<DurableRecords | undefined> {
  try {
    return await open()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'in-use') return undefined
    throw error
  }
}
