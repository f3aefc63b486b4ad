import {
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newAuditFolder, openAudit, verdictEntry } from './audit.support.js'
import { AuditLog } from './audit-log.js'
import { readAudit } from './audit-reader.js'
import { verifyAudit } from './audit-verification.js'

async function evaluationsIn(folder: string): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { read } of readAudit(folder)) {
    if (read?.record.kind === 'verdict') found.push(read.record.evaluation_id)
  }
  return found
}

/** The file that a descriptor of this process is of. */
function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // The folder itself was read by one that is closed now.
    return undefined
  }
}

describe('the audit', () => {
  it('has every record that was acknowledged, in order, as a line of JSON of which no other user reads any', async () => {
    const folder = newAuditFolder()
    const log = await openAudit(folder)
    await Promise.all(['a', 'b', 'c'].map((id) => log.append(verdictEntry(id))))
    await log.append(verdictEntry('d'))
    const [file = ''] = readdirSync(folder)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
    const lines = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(5)
    expect(JSON.parse(lines[4] ?? '')).toMatchObject({
      ...verdictEntry('d'),
      sequence: 4,
      previous: JSON.parse(lines[3] ?? '').hash,
      hash: log.head.hash,
    })
    expect(await evaluationsIn(folder)).toEqual(['a', 'b', 'c', 'd'])
  })

  it.runIf(process.platform === 'linux')(
    'is written past no cache that a power failure empties',
    async () => {
      const folder = newAuditFolder()
      const log = await openAudit(folder)
      const path = join(folder, log.head.file)
      const descriptor = readdirSync('/proc/self/fd').find((fd) => targetOf(fd) === path)
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
      expect(Number.parseInt(flags ?? '', 8) & constants.O_DSYNC).toBe(constants.O_DSYNC)
    },
  )

  it('is one chain over all files of a folder, a new one each time that it is opened', async () => {
    const folder = newAuditFolder()
    for (const id of ['a', 'b', 'c']) {
      const log = await openAudit(folder)
      await log.append(verdictEntry(id))
      await log.close()
    }
    expect(readdirSync(folder)).toHaveLength(3)
    expect(await verifyAudit(folder)).toMatchObject({ files: 3, records: 6, unfinished: 0, faults: [] })
  })

  it('goes on in a new file where one is full', async () => {
    const folder = newAuditFolder()
    const log = await openAudit(folder, { maximumFileBytes: 2_000 })
    for (let n = 0; n < 20; n++) await log.append(verdictEntry(`${n}`))
    expect(readdirSync(folder).length).toBeGreaterThan(3)
    expect(await verifyAudit(folder)).toMatchObject({ faults: [] })
    expect((await evaluationsIn(folder)).sort()).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`).sort())
  })

  it('of two consciences in one folder is two chains, neither of which can be shortened unseen', async () => {
    const folder = newAuditFolder()
    const [ann, bob] = [await openAudit(folder), await openAudit(folder)]
    await Promise.all([ann.append(verdictEntry('a')), bob.append(verdictEntry('b'))])
    await openAudit(folder)
    expect(await verifyAudit(folder)).toMatchObject({ files: 3, faults: [] })
    rmSync(join(folder, bob.head.file))
    const { faults } = await verifyAudit(folder)
    expect(faults.map(({ reason }) => reason).join()).toContain('is no more')
  })

  it('acknowledges nothing once its disk fails, and goes on in a new file when that is mended', async () => {
    const folder = newAuditFolder()
    const log = await openAudit(folder)
    rmSync(folder, { recursive: true })
    for (const reason of ['ENOENT', 'ENOENT']) {
      await expect(log.append(verdictEntry('lost'))).rejects.toMatchObject({
        name: 'AuditError',
        code: 'audit-failed',
        message: expect.stringMatching(new RegExp(`${folder} cannot be written: .*${reason}`)),
      })
    }
    mkdirSync(folder, { mode: 0o700 })
    await log.append(verdictEntry('found'))
    expect(await evaluationsIn(folder)).toEqual(['found'])
  })

  describe('whose file is not there any more', () => {
    const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n')

    /** Two records, then what is done to the file, then another one. */
    async function afterwards(change: (path: string) => void) {
      const lost: string[] = []
      const folder = newAuditFolder()
      const log = await openAudit(folder, { onFileLost: (file) => lost.push(file) })
      for (const id of ['a', 'b']) await log.append(verdictEntry(id))
      const { file } = log.head
      change(join(folder, file))
      await log.append(verdictEntry('c'))
      await log.append(verdictEntry('d'))
      expect(lost).toEqual([file])
      const { faults } = await verifyAudit(folder)
      const found = new Set(await evaluationsIn(folder))
      return { file, faults: faults.map(({ reason }) => reason).join(), found }
    }
    const replaced = (path: string, text: string) => {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }

    it('goes on in a new one where an editor has put the same in its place', async () => {
      const { faults, found } = await afterwards((path) => replaced(path, readFileSync(path, 'utf8')))
      expect(faults).toBe('')
      expect(found).toEqual(new Set(['a', 'b', 'c', 'd']))
    })

    it('refuses nothing, and misses what was taken off its end', async () => {
      const { faults, found } = await afterwards((path) =>
        replaced(path, `${lines(path).slice(0, -1).join('\n')}\n`),
      )
      expect(faults).toMatch(/^it had the record \w{12}, as audit-.* says, and has it no more$/)
      expect(found).toEqual(new Set(['a', 'c', 'd']))
    })

    it('goes on in a new one where it was moved elsewhere, and misses it beside older ones', async () => {
      const { found } = await afterwards((path) => renameSync(path, join(path, '..', '..', 'moved')))
      expect(found).toEqual(new Set(['c', 'd']))
    })
  })

  // The first is being written while the others come.
  it('takes no more than so many records that wait for the disk', async () => {
    const log = await openAudit(newAuditFolder())
    const results = await Promise.allSettled(
      Array.from({ length: 21_001 }, (_, n) => log.append(verdictEntry(`${n}`))),
    )
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(1_000)
    expect(refused[0]).toMatchObject({ reason: { code: 'audit-full' } })
    expect(log.head.sequence).toBe(20_001)
  })

  it('takes nothing after it was closed, and has what came before', async () => {
    const folder = newAuditFolder()
    const log = await openAudit(folder)
    const last = log.append(verdictEntry('a'))
    await log.close()
    await last
    await expect(log.append(verdictEntry('b'))).rejects.toMatchObject({ code: 'audit-closed' })
    expect(await evaluationsIn(folder)).toEqual(['a'])
  })

  it('is not written to a folder that others may write to', async () => {
    const folder = newAuditFolder()
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    const opening = AuditLog.open(folder, { clientId: 'c', clock: { timeOfDay: () => 0 } })
    await expect(opening).rejects.toMatchObject({ name: 'OwnershipError' })
  })
})
