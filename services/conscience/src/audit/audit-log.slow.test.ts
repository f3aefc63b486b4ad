import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newAuditFolder } from './audit.support.js'
import { readAudit } from './audit-reader.js'
import { verifyAudit } from './audit-verification.js'

/** Appends 50 records at a time, prints the number of each that was acknowledged, and `failed` once one was not. */
const WRITER = `
  const { AuditLog } = await import(${JSON.stringify(new URL('../../dist/audit/audit-log.js', import.meta.url).href)})
  const log = await AuditLog.open(process.argv[1], { clientId: 'c', clock: { timeOfDay: Date.now } })
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

function startWriting(folder: string, maximumBlocks?: number): ChildProcess {
  const node = [process.execPath, '--input-type=module', '-e', WRITER, folder]
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
})
