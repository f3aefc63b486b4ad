import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@jamey/bus'
import { topics, type Verdict, type VerdictBatch } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAudit } from '../audit/audit-reader.js'
import { ApprovalSystem, ASKING, evaluate, policyOf, TIME } from './approvals/approval-service.support.js'
import { MAXIMUM_BATCH_CHARACTERS } from './batch.js'

/** In a session the third transfer is one too many. */
const TRANSFERS = `
  - { name: first-two, decision: allow, reason: they are few, when: "tool == 'transfer' && size(calls_within(3600).filter(c, c.tool == 'transfer')) < 2" }
  - { name: more, decision: deny, reason: they are many, when: "tool == 'transfer' && size(calls_within(3600).filter(c, c.tool == 'transfer')) >= 2" }
`

let system: ApprovalSystem
let folder: string
let agent: Bus
const announced: Verdict[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-batch-'))
  system = await ApprovalSystem.start()
  await system.conscience('jamey-conscience', {
    policy: policyOf(TRANSFERS),
    auditFolder: join(folder, 'audit'),
  })
  agent = await system.client('agent', ASKING)
  const watcher = await system.client('watcher', ['subscribe:jamey/conscience/results/#'])
  await watcher.subscribe(topics.conscience.results, ({ data }) => void announced.push(data))
})

afterAll(async () => {
  await system.end()
  rmSync(folder, { recursive: true })
})

const ask = (calls: Record<string, unknown>[], bus = agent): Promise<VerdictBatch> =>
  bus.request(topics.conscience.evaluateBatch, { calls }, TIME)

/** The decision on each, or the kind of its failure. */
const outcomes = ({ results }: VerdictBatch) =>
  results.map((one) => ('verdict' in one ? one.verdict.decision : one.error.kind))

const verdicts = ({ results }: VerdictBatch) =>
  results.flatMap((one) => ('verdict' in one ? [one.verdict] : []))

async function recorded(): Promise<unknown[]> {
  const ids: unknown[] = []
  for await (const { read } of readAudit(join(folder, 'audit'))) {
    if (read?.record.kind === 'verdict') ids.push(read.record.evaluation_id)
  }
  return ids
}

describe('calls that are asked about at once', () => {
  it('are each judged for itself, in their order, and what is wrong with one costs no other', async () => {
    const batch = await ask([
      { tool: 'kill', arguments: { pid: 1 } },
      { tool: '' },
      { tool: 'send', arguments: { to: 'ann@example.org' } },
      { action: 'water the plants' },
      { tool: 'kill', nothing: true },
      { tool: 'pay', arguments: { sum: 7 } },
    ])
    expect(outcomes(batch)).toEqual(['deny', 'invalid-request', 'ask', 'ask', 'invalid-request', 'ask'])
    expect(batch.results[1]).toEqual({
      error: {
        kind: 'invalid-request',
        message: expect.stringMatching(/^calls\.1\.tool: /),
        retryable: false,
      },
    })
    const approvals = verdicts(batch).map(({ approval }) => approval?.id)
    expect(approvals.map((id) => id !== undefined)).toEqual([false, true, false, true])
    expect(new Set(approvals).size).toBe(3)
  })

  it('have the verdicts that each would have alone, of the same request digest', async () => {
    const call = { tool: 'kill', arguments: { pid: 2, note: 'ö' } }
    const alone = await evaluate(agent, call)
    const [together] = verdicts(await ask([call]))
    const { evaluation_id: _, correlation_id: __, evaluated_at: ___, ...same } = alone
    expect(together).toMatchObject(same)
  })

  it('are each in the audit, and announced, before they are answered', async () => {
    const ids = verdicts(
      await ask(Array.from({ length: 64 }, (_, pid) => ({ tool: 'kill', arguments: { pid } }))),
    ).map(({ evaluation_id: id }) => id)
    expect(new Set(ids).size).toBe(64)
    expect(await recorded()).toEqual(expect.arrayContaining(ids))
    await expect.poll(() => announced.map(({ evaluation_id: id }) => id)).toEqual(expect.arrayContaining(ids))
  })

  it('are seen by their session in their order', async () => {
    const batch = await ask(
      Array.from({ length: 4 }, (_, n) => ({ tool: 'transfer', arguments: { n }, session_id: 's' })),
    )
    expect(outcomes(batch)).toEqual(['allow', 'allow', 'deny', 'deny'])
  })

  it('come with a receipt each where one is asked for', async () => {
    const batch = await ask([{ tool: 'kill', receipt: true }, { tool: 'kill' }])
    expect(verdicts(batch).map(({ receipt }) => receipt !== undefined)).toEqual([true, false])
  })

  it('are 64 at most, and no larger together than one client may say at once', async () => {
    const many = Array.from({ length: 65 }, () => ({ tool: 'kill' }))
    await expect(ask(many)).rejects.toMatchObject({ name: 'MessageError' })
    await expect(ask([])).rejects.toMatchObject({ name: 'MessageError' })
    const half = { tool: 'kill', arguments: { text: 'x'.repeat(MAXIMUM_BATCH_CHARACTERS / 2) } }
    await expect(ask([half, half])).rejects.toMatchObject({ kind: 'invalid-request' })
  })

  it('need the right to ask', async () => {
    const stranger = await system.client('stranger', ['publish:lab/#'])
    await expect(ask([{ tool: 'kill' }], stranger)).rejects.toMatchObject({ name: 'PermissionError' })
  })
})
