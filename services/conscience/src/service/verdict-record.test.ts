import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Evaluation, Verdict } from '@jamey/contracts'
import { FakeClock } from '@jamey/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAudit } from '../audit/audit-reader.js'
import { VerdictRecord } from './verdict-record.js'

const DECIDED = {
  evaluation_id: 'e',
  decision: 'deny',
  reasons: ['"no"'],
  requested_by: 'agent',
  evaluated_at: '2026-11-30T12:00:00.000Z',
}
const CALL = { kind: 'call', tool: 'Bash', session_id: 's', ...DECIDED } as unknown as Verdict
const WORDS = { kind: 'text', action: 'water', facts: [], ...DECIDED } as unknown as Verdict

let folder: string
let record: VerdictRecord

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'jamey-record-')), 'audit')
  record = await VerdictRecord.open(folder, { clientId: 'conscience', clock: new FakeClock() })
})

afterEach(async () => {
  await record.close()
  rmSync(join(folder, '..'), { recursive: true })
})

/** What `readAudit` finds of one verdict, without its place. */
async function written(submitted: object, verdict: Verdict): Promise<unknown> {
  await record.write(submitted as Evaluation, verdict)
  const records: unknown[] = []
  for await (const { read } of readAudit(folder)) records.push(read?.record)
  const { sequence: _, recorded_at: __, previous: ___, ...rest } = records.at(-1) as Record<string, unknown>
  return rest
}

describe('the record of a verdict', () => {
  it('has what was asked beside what was decided, each once', async () => {
    const call = { tool: 'Bash', arguments: { command: 'rm' }, session_id: 's', annotations: undefined }
    const { kind: _, ...decided } = CALL
    expect(await written({ ...call, receipt: true }, CALL)).toEqual({
      kind: 'verdict',
      judged: 'call',
      arguments: { command: 'rm' },
      ...decided,
    })
    const words = { action: 'water', context: { 'a "name"': 1 }, user: { role: 'x' } }
    const { kind: __, ...said } = WORDS
    expect(await written(words, WORDS)).toEqual({ kind: 'verdict', judged: 'text', ...words, ...said })
  })

  it('has the arguments that the verdict changed in the place of those that were asked', async () => {
    const changed = { ...CALL, arguments: { command: 'ls' } } as Verdict
    expect(await written({ tool: 'Bash', arguments: { command: 'rm' } }, changed)).toMatchObject({
      arguments: { command: 'ls' },
    })
  })

  it('tells of a submission that is too long its length alone', async () => {
    const long = { tool: 'Bash', arguments: { command: 'x'.repeat(65_536) } }
    const found = await written(long, CALL)
    expect(found).toMatchObject({ submission_characters: JSON.stringify(long).length, decision: 'deny' })
    expect(found).not.toHaveProperty('arguments')
  })
})
