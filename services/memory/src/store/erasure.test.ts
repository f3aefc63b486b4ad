import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryStore } from './memory-file.support.js'

/** Names of the files beside a memory file, it included, that have these bytes anywhere. */
function holding(file: string, text: string): string[] {
  const folder = dirname(file)
  return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text))
}

/** Until what was asked for is done: turns of the event loop, as the store itself takes them. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
}

describe('a text that was forgotten', () => {
  it('is in no file of the folder any more, however it was stored, changed and found before', async () => {
    const { store, file, clock } = temporaryStore({ announcer: 'me' })
    const secret = 'xylophagous-quokka-4711'
    const filler = 'words that fill a page '.repeat(40)
    for (let i = 0; i < 60; i++) {
      await store.store({ content: `${i} ${filler}`, tags: ['filler'] }, { id: `before${i}`, source: 'ada' })
    }
    await store.store(
      {
        content: `${secret} ${filler}`,
        tags: [`tag ${secret}`],
        metadata: { note: secret },
        layer: 'semantic',
      },
      { id: 'long', source: 'ada' },
    )
    await store.store({ content: `${secret} ${'x'.repeat(20_000)}` }, { id: 'overflowing', source: 'ada' })
    await store.update({ id: 'long', content: `not the ${secret} any more`, tags: [], metadata: {} })
    await store.update({ id: 'long', content: 'nothing of it' })
    for (let i = 0; i < 60; i++) {
      await store.store({ content: `after ${i} ${filler}` }, { id: `after${i}`, source: 'ada' })
    }
    await store.query({ query: secret })
    expect(holding(file, secret)).not.toEqual([])
    expect(await store.forget({ ids: ['long', 'overflowing'] })).toEqual({ forgotten: 2 })
    await settled()
    expect(holding(file, secret)).toEqual([])
    await clock.advance(1000)
    await store.close()
    expect(holding(file, secret)).toEqual([])
  })

  it('is erased by the next sweep where others were writing, and so is what has expired', async () => {
    const { store, file, clock } = temporaryStore()
    const secret = 'numbat-of-the-north-0815'
    await store.store({ content: secret, layer: 'working' }, { id: 'brief', source: 'ada' })
    await clock.advance(3_600_000)
    expect(await store.sweep()).toBe(1)
    expect(holding(file, secret)).toEqual([])
  })
})
