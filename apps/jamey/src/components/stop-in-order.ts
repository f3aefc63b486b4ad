import { CommandFailure } from '../support/failure.js'

/** Something that was started and is to be stopped; `stop` settles within the given time. */
export interface Stoppable {
  readonly name: string
  stop(graceMs: number): Promise<unknown>
}

/** Time that everything together may take to stop. */
const STOP_GRACE_MS = 10_000

/**
 * Stops one group after the other, those of a group at once, each within its share of the grace time. One
 * that fails or does not end keeps nobody else from stopping; all of them are named in the error at the end.
 */
export async function stopInOrder(
  groups: readonly (readonly Stoppable[])[],
  graceMs = STOP_GRACE_MS,
): Promise<void> {
  const faults: string[] = []
  const deadline = performance.now() + graceMs
  for (const [i, group] of groups.entries()) {
    const share = Math.max(100, (deadline - performance.now()) / (groups.length - i))
    await Promise.all(
      group.map(async ({ name, stop }) => {
        const fault = await faultOf(stop(share), share * 1.2)
        if (fault !== undefined) faults.push(`${name} ${fault}`)
      }),
    )
  }
  if (faults.length === 0) return
  throw new CommandFailure(`not everything stopped in order: ${faults.join('; ')}`, {
    code: 'stop-incomplete',
  })
}

async function faultOf(stopping: Promise<unknown>, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('did not end in time'), timeoutMs)
  })
  try {
    return await Promise.race([stopping.then(() => undefined), late])
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    clearTimeout(timer)
  }
}
