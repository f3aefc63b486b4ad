import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newAuditFolder, openAudit, verdictEntry } from './audit.support.js'
import { lookAtAudit } from './audit-look.js'

/** Two files, of which the second names the end of the first. */
async function audited(): Promise<{ folder: string; first: string; second: string }> {
  const folder = newAuditFolder()
  const files: string[] = []
  for (const ids of [
    ['a', 'b'],
    ['c', 'd', 'e'],
  ]) {
    const log = await openAudit(folder)
    for (const id of ids) await log.append(verdictEntry(id))
    files.push(join(folder, log.head.file))
    await log.close()
  }
  const [first = '', second = ''] = files
  return { folder, first, second }
}

function changeLines(path: string, change: (lines: string[]) => void): void {
  const lines = readFileSync(path, 'utf8').split('\n')
  change(lines)
  writeFileSync(path, lines.join('\n'))
}

it('finds nothing where the ends are as they were written, whatever a process that was killed left', async () => {
  const { folder, first, second } = await audited()
  expect(await lookAtAudit(folder)).toEqual({ files: 2, records: 4, faults: [] })
  appendFileSync(second, '{"sequence":4,"rec')
  appendFileSync(first, '{"seq')
  expect((await lookAtAudit(folder)).faults).toEqual([])
})

it('finds none where there is no audit, or the oldest files were taken away', async () => {
  expect(await lookAtAudit(newAuditFolder())).toEqual({ files: 0, records: 0, faults: [] })
  const { folder, first } = await audited()
  rmSync(first)
  expect(await lookAtAudit(folder)).toMatchObject({ files: 1, faults: [] })
})

it.each<[string, (lines: string[]) => void, RegExp]>([
  ['changed', (lines) => lines.splice(2, 1, (lines[2] ?? '').replace('deny', 'allow')), /^its hash is /],
  ['taken out', (lines) => lines.splice(2, 1), /^record 3 is bound to none before it$/],
  ['moved', (lines) => lines.splice(2, 2, lines[3] ?? '', lines[2] ?? ''), /^record 3 is bound to none/],
])('finds a record of the newest file that was %s', async (_, change, reason) => {
  const { folder, second } = await audited()
  changeLines(second, change)
  const { faults } = await lookAtAudit(folder)
  expect(faults[0]?.reason).toMatch(reason)
})

it.each<[string, (lines: string[]) => void]>([
  ['cut off', (lines) => lines.splice(2, 1)],
  ['emptied', (lines) => lines.splice(0)],
])('finds a file that the newest one names and that was %s', async (_, change) => {
  const { folder, first } = await audited()
  changeLines(first, change)
  const { faults } = await lookAtAudit(folder)
  expect(faults.map(({ reason }) => reason).join()).toMatch(
    /it had the record \w{12} and has it no more, as audit-/,
  )
})

it('finds a newest file of which no record is whole', async () => {
  const { folder, second } = await audited()
  writeFileSync(second, '{"sequence":0')
  const { faults } = await lookAtAudit(folder)
  expect(faults).toMatchObject([{ reason: 'no record in it is whole' }])
})
