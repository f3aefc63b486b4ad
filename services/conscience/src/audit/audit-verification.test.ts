import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newAuditFolder, openAudit, verdictEntry } from './audit.support.js'
import { auditLine, NOTHING_BEFORE } from './audit-record.js'
import { verifyAudit } from './audit-verification.js'

/** Two files, the second of which names the end of the first. */
async function written(): Promise<{
  folder: string
  first: string
  second: string
  head: { file: string; hash: string }
}> {
  const folder = newAuditFolder()
  const ids = [['a', 'b', 'c'], ['d']]
  let head = { file: '', hash: '' }
  for (const part of ids) {
    const log = await openAudit(folder)
    for (const id of part) await log.append(verdictEntry(id))
    await log.close()
    head = log.head
  }
  const [first = '', second = ''] = readdirSync(folder).sort()
  return { folder, first: join(folder, first), second: join(folder, second), head }
}

type Written = Awaited<ReturnType<typeof written>>

function rewrite(path: string, change: (lines: string[]) => string[]): void {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  writeFileSync(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  )
}

const ALTERATIONS: readonly (readonly [what: string, alter: (of: Written) => void, reason: string])[] = [
  [
    'a decision that was changed',
    ({ first }) => rewrite(first, (l) => l.map((t) => t.replace('deny', 'allow'))),
    'its hash is',
  ],
  [
    'a record that was taken out',
    ({ first }) => rewrite(first, (l) => l.filter((_, n) => n !== 2)),
    'it is record 3 where 2 follows',
  ],
  [
    'a record that was put in',
    ({ first }) => rewrite(first, (l) => [...l.slice(0, 2), ...l.slice(1)]),
    'it is record 1 where 2 follows',
  ],
  [
    'two records that changed places',
    ({ first }) => rewrite(first, ([o = '', a = '', b = '', c = '']) => [o, b, a, c]),
    'it is record 2 where 1 follows',
  ],
  [
    'a record with a hash of its own making',
    ({ first }) =>
      rewrite(first, (lines) => {
        const place = { sequence: 2, recorded_at: '2026-01-01T00:00:00.000Z', previous: NOTHING_BEFORE }
        return lines.map((line, n) =>
          n === 2 ? auditLine(JSON.stringify(verdictEntry('x')), place).text.trimEnd() : line,
        )
      }),
    'the record before it was',
  ],
  [
    'the end of an older file that was taken off',
    ({ first }) => rewrite(first, (l) => l.slice(0, -1)),
    'and has it no more',
  ],
  ['a file that was emptied', ({ second }) => writeFileSync(second, ''), 'no record in it is whole'],
  [
    'a line that is no record',
    ({ first }) => rewrite(first, (l) => [...l, 'nothing']),
    'it has no hash at its end',
  ],
  [
    'a last record that was changed',
    ({ second }) => rewrite(second, (l) => l.map((t) => t.replace('"d"', '"e"'))),
    'its hash is',
  ],
]

describe('verifying an audit', () => {
  it('finds nothing in one that is as it was written', async () => {
    const { folder, head } = await written()
    expect(await verifyAudit(folder, { expected: [head] })).toMatchObject({
      files: 2,
      records: 6,
      unfinished: 0,
      faults: [],
    })
  })

  it('tells which files are gone that the oldest one names, for which there is no fault', async () => {
    const { folder, first } = await written()
    rmSync(first)
    expect(await verifyAudit(folder)).toMatchObject({ files: 1, gone: [basename(first)], faults: [] })
  })

  for (const [what, alter, reason] of ALTERATIONS) {
    it(`finds ${what}`, async () => {
      const files = await written()
      alter(files)
      const { faults } = await verifyAudit(files.folder)
      expect(faults.map((fault) => fault.reason).join('\n')).toContain(reason)
    })
  }

  it('tells a record that was changed once, and what follows it not at all', async () => {
    const { folder, first } = await written()
    rewrite(first, (lines) =>
      lines.map((text, n) => (n === 1 ? text.replace(/"sequence":1/, '"sequence":9') : text)),
    )
    const { faults } = await verifyAudit(folder)
    expect(faults).toMatchObject([{ line: 2, reason: expect.stringContaining('its hash is') }])
  })

  it('finds a record that was taken out behind one that was changed', async () => {
    const { folder, first } = await written()
    rewrite(first, ([opened = '', a = '', , ...rest]) => [
      opened,
      a.replace('"sequence":1', '"sequence":9'),
      ...rest,
    ])
    const { faults } = await verifyAudit(folder)
    expect(faults.map(({ reason }) => reason).join('\n')).toContain('it is record 3 where 1 follows')
  })

  it('finds the end of the newest file missing where its head was kept elsewhere', async () => {
    const { folder, second, head } = await written()
    rewrite(second, (lines) => lines.slice(0, -1))
    expect((await verifyAudit(folder)).faults).toEqual([])
    expect((await verifyAudit(folder, { expected: [head] })).faults).toHaveLength(1)
  })

  it('takes what a killed process began to write for no fault', async () => {
    const { folder, second } = await written()
    writeFileSync(second, `${readFileSync(second, 'utf8')}{"sequence":2,"reco`)
    expect(await verifyAudit(folder)).toMatchObject({ unfinished: 1, faults: [] })
  })

  it('takes a file that never got its first record for no fault where a later one names none in it', async () => {
    const { folder, first, second } = await written()
    for (const [name, text] of [
      ['audit-20200101T000000000Z-00000000.jsonl', ''],
      ['audit-20200101T000000001Z-00000000.jsonl', '{"sequence":0,"reco'],
    ] as const) {
      writeFileSync(join(folder, name), text)
    }
    expect(await verifyAudit(folder)).toMatchObject({ files: 4, unfinished: 1, faults: [] })
    writeFileSync(first, '')
    const { faults } = await verifyAudit(folder)
    expect(faults.map(({ file }) => join(folder, file))).toEqual([first, first])
    expect((await verifyAudit(folder)).heads.map(({ file }) => join(folder, file))).toEqual([second])
  })

  it('takes files that are too old to be kept for no fault', async () => {
    const { folder, first } = await written()
    rmSync(first)
    expect(await verifyAudit(folder)).toMatchObject({ files: 1, faults: [] })
  })
})
