import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { smallDisk } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newAuditFolder, openAudit, verdictEntry } from './audit.support.js'
import { readAudit } from './audit-reader.js'
import { verifyAudit } from './audit-verification.js'

/** Appends 50 records at a time, prints the number of each that was acknowledged, and `failed` once one was not; `unopened` where none can be. */
const WRITER = `
  const { AuditLog } = await import(${JSON.stringify(new URL('../../dist/audit/audit-log.js', import.meta.url).href)})
  const options = { clientId: 'c', clock: { timeOfDay: Date.now } }
  const log = await AuditLog.open(process.argv[1], options).catch(() => {
    process.stdout.write('unopened\\n')
    process.exit(4)
  })
  let next = 0
  async function write() {
    for (;;) {
      const n = next++
      const entry = { kind: 'verdict', evaluation_id: String(n), decision: 'deny', requested_by: 'agent', text: 'x'.repeat(300) }
      try { await log.append(entry) } catch { process.stdout.write('failed\\n'); process.exit(3) }
      process.stdout.write(n + '\\n')
    }
  }
  for (let n = 0; n < 50; n++) void write()
`

/** Is killed when it is about to give its file the name by which readers know it. */
const KILLED_BEFORE_NAME = `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  fs.promises.rename = () => process.kill(process.pid, 'SIGKILL')
  syncBuiltinESMExports()
  ${WRITER}`

function startWriting(folder: string, maximumBlocks?: number, writer = WRITER): ChildProcess {
  const node = [process.execPath, '--input-type=module', '-e', writer, folder]
  const limited = ['sh', '-c', `ulimit -f ${maximumBlocks}; exec "$@"`, 'sh', ...node]
  const [command = '', ...args] = maximumBlocks === undefined ? node : limited
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** What it acknowledged until it ended, by `kill` after so many or by itself. */
async function acknowledgedBy(child: ChildProcess, killAfter = Number.POSITIVE_INFINITY): Promise<string[]> {
  const closed = once(child, 'close')
  const found: string[] = []
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    found.push(line)
    if (found.length === killAfter) child.kill('SIGKILL')
  }
  await closed
  return found
}

async function recordedIn(folder: string): Promise<Set<string>> {
  const found = new Set<string>()
  for await (const { read } of readAudit(folder)) {
    if (read?.record.kind === 'verdict') found.add(read.record.evaluation_id)
  }
  return found
}

function unbegunIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.new'))
}

describe('the audit of a process', () => {
  it('that is killed again and again has every record that was acknowledged', async () => {
    const folder = newAuditFolder()
    let records = 0
    for (let round = 0; round < 10; round++) {
      const acknowledged = await acknowledgedBy(startWriting(folder), 700 + 130 * round)
      const recorded = await recordedIn(folder)
      expect(acknowledged.filter((id) => !recorded.has(id))).toEqual([])
      records += acknowledged.length
    }
    const verification = await verifyAudit(folder)
    expect(verification.faults).toEqual([])
    expect(verification.records).toBeGreaterThanOrEqual(records)
  })

  it('that is killed while it begins a file leaves it to whoever comes an hour later', async () => {
    const folder = newAuditFolder()
    const acknowledged = await acknowledgedBy(startWriting(folder), 200)
    expect(await acknowledgedBy(startWriting(folder, undefined, KILLED_BEFORE_NAME))).toEqual([])
    const left = unbegunIn(folder)
    expect(left).toHaveLength(1)
    const soon = await openAudit(folder, { clock: { timeOfDay: () => Date.now() + 60_000 } })
    expect(unbegunIn(folder)).toEqual(left)
    await soon.close()
    await openAudit(folder, { clock: { timeOfDay: () => Date.now() + 3_700_000 } })
    expect(unbegunIn(folder)).toEqual([])
    expect((await verifyAudit(folder)).faults).toEqual([])
    const recorded = await recordedIn(folder)
    expect(acknowledged.filter((id) => !recorded.has(id))).toEqual([])
  })

  it('whose disk is full acknowledges nothing that is not there', async () => {
    const folder = newAuditFolder()
    const lines = await acknowledgedBy(startWriting(folder, 400))
    expect(lines.at(-1)).toBe('failed')
    const acknowledged = lines.slice(0, -1)
    expect(acknowledged.length).toBeGreaterThan(100)
    const recorded = await recordedIn(folder)
    expect(acknowledged.filter((id) => !recorded.has(id))).toEqual([])
    expect((await verifyAudit(folder)).faults).toEqual([])
  })

  it('whose disk is full when it begins a file leaves none, so that the audit is sound for whoever comes next', async () => {
    const folder = newAuditFolder()
    for (let round = 0; round < 2; round++) {
      expect(await acknowledgedBy(startWriting(folder, 0))).toEqual(['unopened'])
      expect(readdirSync(folder)).toEqual([])
    }
    const log = await openAudit(folder)
    await log.append(verdictEntry('a'))
    expect(await verifyAudit(folder)).toMatchObject({ files: 1, records: 2, unfinished: 0, faults: [] })
  })

  it('whose disk is full for a while goes on in one more file, and nothing else is left of it', async (context) => {
    const disk = smallDisk(131_072)
    if (disk === undefined) return context.skip('this process may mount no disk of its own')
    onTestFinished(() => disk.remove())
    const folder = join(disk.path, 'audit')
    const log = await openAudit(folder)
    await log.append(verdictEntry('a'))
    const { file } = log.head
    expect(() => writeFileSync(join(disk.path, 'more'), Buffer.alloc(262_144))).toThrow('ENOSPC')
    const long = { ...verdictEntry('b'), text: 'x'.repeat(8_192) }
    for (let n = 0; n < 3; n++) {
      await expect(log.append(long)).rejects.toMatchObject({ code: 'audit-failed' })
      expect(readdirSync(folder)).toEqual([file])
    }
    rmSync(join(disk.path, 'more'))
    await log.append(verdictEntry('c'))
    expect(await recordedIn(folder)).toEqual(new Set(['a', 'c']))
    expect(await verifyAudit(folder)).toMatchObject({ files: 2, faults: [] })
    writeFileSync(join(folder, log.head.file), '')
    expect((await verifyAudit(folder)).faults).toMatchObject([{ reason: 'no record in it is whole' }])
  })
})
