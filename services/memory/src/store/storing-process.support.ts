import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'

const SCRIPT = fileURLToPath(new URL('storing-process.mjs', import.meta.url))

export interface Acknowledged {
  readonly id: string
  readonly created: boolean
}

/** Runs until it ends or, with `killAfter`, is killed with SIGKILL after so many acknowledgements. */
export async function storing(
  file: string,
  name: string,
  { count = 0, killAfter = Number.POSITIVE_INFINITY },
): Promise<Acknowledged[]> {
  const child: ChildProcess = spawn(process.execPath, [SCRIPT, file, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  const acknowledged: Acknowledged[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    const [id, created] = line.split(' ')
    // A line cut off by the kill was not acknowledged to anybody.
    if (id === undefined || (created !== 'true' && created !== 'false')) continue
    acknowledged.push({ id, created: created === 'true' })
    if (acknowledged.length === killAfter) child.kill('SIGKILL')
  }
  const [code, signal] = await closed
  expect({ code, signal }).toEqual(
    killAfter === Number.POSITIVE_INFINITY ? { code: 0, signal: null } : { code: null, signal: 'SIGKILL' },
  )
  return acknowledged
}
