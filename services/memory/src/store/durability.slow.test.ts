import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from './memory-file.support.js'
import { MemoryStore } from './memory-store.js'

const SCRIPT = fileURLToPath(new URL('storing-process.mjs', import.meta.url))

interface Acknowledged {
  readonly id: string
  readonly created: boolean
}

/** Runs until it ends or, with `killAfter`, is killed with SIGKILL after so many acknowledgements. */
async function storing(
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

async function expectToHold(file: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const store = MemoryStore.open({ file })
  for (const { id } of acknowledged) {
    expect(await store.get(id)).toMatchObject({ id, content: `memory ${id}` })
  }
  await store.close()
}

describe('what was acknowledged', () => {
  it('is there after kill -9, again and again, and can be found [promise 33]', async () => {
    const file = temporaryFile()
    const acknowledged: Acknowledged[] = []
    for (const [round, killAfter] of [35, 410, 800].entries()) {
      acknowledged.push(...(await storing(file, `round${round}`, { killAfter })))
      await expectToHold(file, acknowledged)
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(1245)
    const store = MemoryStore.open({ file })
    const { total } = await store.query({ query: 'memory', tags: ['loop'], layers: ['semantic'] })
    expect(total).toBe(store.stats().memories)
    expect(total).toBeGreaterThanOrEqual(acknowledged.length)
    await store.close()
  })

  it('is stored once when several processes share the file and store the same messages', async () => {
    const file = temporaryFile()
    const answers = await Promise.all(
      ['both', 'both', 'other'].map((name) => storing(file, name, { count: 600 })),
    )
    const created = answers.flat().filter((answer) => answer.created)
    expect(answers.flat()).toHaveLength(1800)
    expect(new Set(created.map(({ id }) => id)).size).toBe(1200)
    expect(created).toHaveLength(1200)
    await expectToHold(file, created)
  })
})
