import { describe, expect, it } from 'vitest'
import { temporaryFile } from './memory-file.support.js'
import { MemoryStore } from './memory-store.js'
import { type Acknowledged, storing } from './storing-process.support.js'

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
