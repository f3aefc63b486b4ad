import { appendFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newAuditFolder, openAudit, verdictEntry } from './audit.support.js'
import { auditFileNames } from './audit-files.js'
import { type AuditPlace, auditPage } from './audit-page.js'

const idOf = (record: Readonly<Record<string, unknown>>) => record['evaluation_id'] as string | undefined

/** Every page from the newest on, as what they found. */
async function pagesOf(folder: string, limit: number, take = idOf): Promise<string[][]> {
  const pages: string[][] = []
  let from: AuditPlace | undefined
  do {
    const { found, next } = await auditPage(folder, { limit, from, take })
    pages.push([...found])
    from = next
  } while (from !== undefined)
  return pages
}

async function written(folder: string, ids: readonly string[], options = {}): Promise<void> {
  const log = await openAudit(folder, options)
  for (const id of ids) await log.append(verdictEntry(id))
  await log.close()
}

describe('pages of an audit', () => {
  it('have the newest first, over all files, each once', async () => {
    const folder = newAuditFolder()
    await written(folder, ['1', '2', '3'])
    await written(folder, ['4', '5'])
    expect(await pagesOf(folder, 2)).toEqual([['5', '4'], ['3', '2'], ['1']])
    expect(await pagesOf(folder, 5)).toEqual([['5', '4', '3', '2', '1']])
    expect(await pagesOf(folder, 1, (record) => (idOf(record) === '2' ? '2' : undefined))).toEqual([['2']])
  })

  it('neither repeat nor hide what is written meanwhile', async () => {
    const folder = newAuditFolder()
    await written(folder, ['1', '2', '3'])
    const first = await auditPage(folder, { limit: 1, take: idOf })
    await written(folder, ['4'])
    const second = await auditPage(folder, { limit: 5, from: first.next, take: idOf })
    expect([first.found, second.found]).toEqual([['3'], ['2', '1']])
  })

  it('go on where the file of a place is gone, or shorter', async () => {
    const folder = newAuditFolder()
    await written(folder, ['1'])
    await written(folder, ['2', '3'])
    const { next } = await auditPage(folder, { limit: 1, take: idOf })
    const [, newest = ''] = await auditFileNames(folder)
    rmSync(join(folder, newest))
    expect((await auditPage(folder, { limit: 5, from: next, take: idOf })).found).toEqual(['1'])
    const beyond = { file: newest.replace('audit-2', 'audit-3'), offset: 1e9 }
    expect((await auditPage(folder, { limit: 5, from: beyond, take: idOf })).found).toEqual(['1'])
    expect(await pagesOf(newAuditFolder(), 5)).toEqual([[]])
  })

  it('leave out what is no record, and what is being written', async () => {
    const folder = newAuditFolder()
    await written(folder, ['1', '2'])
    const [name = ''] = await auditFileNames(folder)
    appendFileSync(join(folder, name), 'no record\nnull\n{"evaluation_id":"unended"}')
    expect(await pagesOf(folder, 5)).toEqual([['2', '1']])
  })

  it('find lines of every length, whatever pieces a file is read in', async () => {
    const folder = newAuditFolder()
    await written(folder, ['1'])
    const [name = ''] = await auditFileNames(folder)
    const lengths = [1, 65_534, 65_535, 65_536, 65_537, 200_000, 3]
    const lines = lengths.map((length, i) => `{"evaluation_id":"${i}","filler":"${'é'.repeat(length)}"}\n`)
    writeFileSync(join(folder, name), lines.join(''))
    expect(await pagesOf(folder, 2)).toEqual([['6', '5'], ['4', '3'], ['2', '1'], ['0']])
  })

  it('end after some megabytes without anything, and lead on', async () => {
    const folder = newAuditFolder()
    await written(folder, ['1'])
    const [name = ''] = await auditFileNames(folder)
    const filler = `${JSON.stringify({ filler: 'x'.repeat(50_000) })}\n`
    for (let i = 0; i < 120; i++) appendFileSync(join(folder, name), filler)
    expect(statSync(join(folder, name)).size).toBeGreaterThan(6_000_000)
    expect(await pagesOf(folder, 5)).toEqual([[], ['1']])
  })
})
