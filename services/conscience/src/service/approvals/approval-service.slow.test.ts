import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Bus } from '@jamey/bus'
import { atKeeper, topics } from '@jamey/contracts'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readAudit } from '../../audit/audit-reader.js'
import {
  ANSWERING,
  ApprovalSystem,
  ASKING,
  answer,
  evaluate,
  get,
  idOf,
  policyOf,
  type TestConscience,
  TIME,
} from './approval-service.support.js'

const { approvals } = topics.conscience
let system: ApprovalSystem
let agent: Bus
let person: Bus

beforeAll(async () => {
  system = await ApprovalSystem.start()
})
afterAll(() => system.end())

beforeEach(async () => {
  agent = await system.client('agent', ASKING)
  person = await system.client('person', ANSWERING)
})

describe('a call that a rule asks about', () => {
  let conscience: TestConscience
  beforeAll(async () => {
    conscience = await system.conscience()
  })
  afterAll(() => conscience.stop())

  it('is pending until a person answers, and then allowed once, named in the verdict and in the receipt', async () => {
    const asked = await evaluate(agent, { session_id: 's' })
    expect(asked).toMatchObject({ decision: 'ask', approved: false, reasons: ['it leaves the company'] })
    const id = asked.approval?.id ?? ''
    expect(await idOf(evaluate(agent, { session_id: 's' }))).toBe(id)
    const { approvals: listed } = await person.request(approvals.list, { status: ['pending'] }, TIME)
    expect(listed).toMatchObject([
      { approval_id: id, tool: 'send', arguments: { to: 'ann@example.org' }, requested_by: agent.clientId },
    ])
    const waiting = get(agent, id, 20_000)
    await answer(person, id, { note: 'I know Ann' })
    expect(await waiting).toMatchObject({ status: 'approved', answers: [{ answered_by: person.clientId }] })
    const verdict = await evaluate(agent, { session_id: 's', receipt: true })
    expect(verdict).toMatchObject({
      decision: 'allow',
      approved: true,
      approval: { id },
      reasons: [`${person.clientId} approved it (once): I know Ann`, 'it leaves the company'],
    })
    expect(decodeJwt(verdict.receipt ?? '')).toMatchObject({
      approved: true,
      approval_id: id,
      call_digest: asked.call_digest,
    })
    const again = await evaluate(agent, { session_id: 's' })
    expect(again.decision).toBe('ask')
    expect(again.approval?.id).not.toBe(id)
  })

  it('that a person denies is denied until that expires', async () => {
    const id = await idOf(evaluate(agent))
    await answer(person, id, { decision: 'deny', note: 'not today' })
    expect(await evaluate(agent)).toMatchObject({
      decision: 'deny',
      approval: { id },
      reasons: [`${person.clientId} denied it: not today`, 'it leaves the company'],
    })
  })

  it('takes two people where its rule says so', async () => {
    const second = await system.client('second', ANSWERING)
    const call = { tool: 'pay' }
    const id = await idOf(evaluate(agent, call))
    await answer(person, id)
    expect(await evaluate(agent, call)).toMatchObject({ decision: 'ask', approval: { id } })
    await answer(second, id)
    expect(await evaluate(agent, call)).toMatchObject({ decision: 'allow', approval: { id } })
  })

  it('that is too large for a person to read is not asked about, and not allowed', async () => {
    const verdict = await evaluate(agent, { arguments: { text: 'x'.repeat(70_000) } })
    expect(verdict).toMatchObject({ decision: 'deny' })
    expect(verdict.reasons[0]).toMatch(/at most 65536 characters/)
    expect(verdict.approval).toBeUndefined()
  })
})

/** Stopped with the test. */
async function started(...options: Parameters<ApprovalSystem['conscience']>): Promise<TestConscience> {
  const conscience = await system.conscience(...options)
  onTestFinished(() => conscience.stop())
  return conscience
}

describe('with another conscience in the place of the first, a call', () => {
  it('is asked again where another rule asks, too, and denied where one denies', async () => {
    const conscience = await started()
    const id = await idOf(evaluate(agent))
    await answer(person, id, { scope: 'always' })
    expect(await evaluate(agent)).toMatchObject({ decision: 'allow', approval: { id } })
    await conscience.stop()
    const more = "  - { name: more, decision: ask, reason: one more, when: 'true' }\n"
    const later = await started(undefined, { policy: policyOf(more) })
    const asked = await evaluate(agent)
    expect(asked).toMatchObject({ decision: 'ask', reasons: ['it leaves the company', 'one more'] })
    expect(asked.approval?.id).not.toBe(id)
    await later.stop()
    const never = "  - { name: no, decision: deny, reason: never, when: 'true' }\n"
    await started(undefined, { policy: policyOf(never) })
    expect(await evaluate(agent)).toMatchObject({ decision: 'deny' })
  })

  it('is known after the conscience was gone', async () => {
    const first = await started()
    const [pending, always] = [await idOf(evaluate(agent)), await idOf(evaluate(agent, { session_id: 's' }))]
    await answer(person, always, { scope: 'always' })
    await first.stop()
    await started()
    expect(await get(agent, pending)).toMatchObject({ status: 'pending' })
    await answer(person, pending)
    expect(await evaluate(agent, { session_id: 's' })).toMatchObject({
      decision: 'allow',
      approval: { id: always },
    })
    await person.request(atKeeper(approvals.revoke, 'jamey-conscience'), { approval_id: always }, TIME)
    expect(await evaluate(agent, { session_id: 's' })).toMatchObject({ decision: 'ask' })
  })
})

describe('what counts the calls of a session', () => {
  const second = `  - name: second
    decision: deny
    reason: one a day
    when: "tool == 'send' && size(calls_within(86400)) > 0"
`

  it('counts those that a person approved of, whether or not anybody tells what came of them', async () => {
    await started(undefined, { policy: policyOf(second) })
    const call = { session_id: 's', arguments: { to: 'bob@example.org' } }
    const id = await idOf(evaluate(agent, call))
    expect(await evaluate(agent, call)).toMatchObject({ decision: 'ask', approval: { id } })
    await answer(person, id)
    expect(await evaluate(agent, call)).toMatchObject({ decision: 'allow', approval: { id } })
    const other = { ...call, arguments: { to: 'cleo@example.org' } }
    expect(await evaluate(agent, other)).toMatchObject({ decision: 'deny' })
    expect(await evaluate(agent, { ...other, session_id: 'another' })).toMatchObject({ decision: 'ask' })
  })
})

describe('an approval with little time', () => {
  /** Resolves once the conscience tells that it has expired. */
  const expiry = (id: string): Promise<void> =>
    new Promise((resolve, reject) => {
      person
        .subscribe(approvals.state, ({ data: { approval_id, status } }) => {
          if (approval_id === id && status === 'expired') resolve()
        })
        .catch(reject)
    })

  beforeEach(async () => {
    person = await system.client('person', [...ANSWERING, 'subscribe:jamey/conscience/approvals/#'])
  })

  it('that nobody answers in it expires: it takes no answer, and people are asked again', async () => {
    await started('jamey-conscience', { seconds: 1 })
    const id = await idOf(evaluate(agent))
    // Held until it is pending no more.
    expect(await get(agent, id, 20_000)).toMatchObject({ status: 'expired', answers: [] })
    await expect(answer(person, id)).rejects.toMatchObject({ kind: 'approval-settled' })
    const again = await evaluate(agent)
    expect(again.decision).toBe('ask')
    expect(again.approval?.id).not.toBe(id)
  })

  it('that was approved in it, for once, is good for no call after it', async () => {
    await started('jamey-conscience', { seconds: 4 })
    const [used, late] = [await idOf(evaluate(agent)), await idOf(evaluate(agent, { session_id: 's' }))]
    const expired = expiry(late)
    await answer(person, used)
    await answer(person, late)
    expect(await evaluate(agent)).toMatchObject({ decision: 'allow', approval: { id: used } })
    await expired
    const verdict = await evaluate(agent, { session_id: 's' })
    expect(verdict.decision).toBe('ask')
    expect(verdict.approval?.id).not.toBe(late)
  })
})

describe('with two consciences', () => {
  it('the audit has who was asked, who answered what, and what came of the call', async () => {
    const auditFolder = join(system.folder, 'audit')
    await started('jamey-conscience', { auditFolder })
    const agent = await system.client('reporting', [...ASKING, 'publish:jamey/conscience/reports'])
    const call = { session_id: 's', call_id: 'c' }
    const id = await idOf(evaluate(agent, call))
    await answer(person, id, { note: 'I know Ann' })
    const { evaluation_id } = await evaluate(agent, call)
    const told = {
      ...call,
      kind: 'result',
      tool: 'send',
      result: 'secret',
      outcome: 'succeeded',
      evaluation_id,
    } as const
    await agent.request(topics.conscience.report, told, TIME)
    const records: Record<string, unknown>[] = []
    for await (const { read } of readAudit(auditFolder)) records.push({ ...read?.record })
    expect(records).toMatchObject([
      { kind: 'opened' },
      { kind: 'verdict', decision: 'ask', approval: { id } },
      {
        kind: 'approval',
        approval_id: id,
        status: 'approved',
        requested_by: agent.clientId,
        answers: [{ answered_by: person.clientId, decision: 'approve', note: 'I know Ann' }],
      },
      { kind: 'verdict', decision: 'allow', approval: { id }, evaluation_id },
      { kind: 'outcome', tool: 'send', outcome: 'succeeded', evaluation_id, reported_by: agent.clientId },
    ])
    expect(JSON.stringify(records)).not.toContain('secret')
  })

  it('what is approved for once is not used up by a verdict that cannot be recorded', async () => {
    const auditFolder = join(system.folder, 'unwritable')
    await started('jamey-conscience', { auditFolder })
    const id = await idOf(evaluate(agent))
    await answer(person, id)
    rmSync(auditFolder, { recursive: true })
    const failing = await Promise.allSettled([evaluate(agent), evaluate(agent)])
    for (const one of failing) expect(one).toMatchObject({ reason: { kind: 'audit-failed' } })
    mkdirSync(auditFolder, { mode: 0o700 })
    const verdicts = await Promise.all(Array.from({ length: 6 }, () => evaluate(agent)))
    expect(verdicts.filter(({ decision }) => decision === 'allow')).toMatchObject([{ approval: { id } }])
  })

  it('what is approved for once is not used up by a verdict that cannot be recorded, whoever keeps it', async () => {
    const folders = ['jamey-conscience', 'jamey-conscience-2'].map((name) =>
      join(system.folder, `audit-${name}`),
    )
    await started('jamey-conscience', { auditFolder: folders[0] })
    await started('jamey-conscience-2', { auditFolder: folders[1] })
    const id = await idOf(evaluate(agent))
    await answer(person, id)
    for (const folder of folders) rmSync(folder, { recursive: true })
    // Each goes to one of both.
    for (let i = 0; i < 10; i++) await expect(evaluate(agent)).rejects.toMatchObject({ kind: 'audit-failed' })
    expect(await get(agent, id)).toMatchObject({ status: 'approved' })
    for (const folder of folders) mkdirSync(folder, { mode: 0o700 })
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => evaluate(agent)))
    expect(verdicts.filter(({ decision }) => decision === 'allow')).toMatchObject([{ approval: { id } }])
  })

  it('what is approved for once is used once, whichever judges', async () => {
    await started()
    await started('jamey-conscience-2')
    const id = await idOf(evaluate(agent))
    // Whichever is asked knows it: answers of both are waited for.
    for (let i = 0; i < 6; i++) expect(await idOf(evaluate(agent))).toBe(id)
    await answer(person, id)
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => evaluate(agent)))
    expect(verdicts.filter(({ decision }) => decision === 'allow')).toMatchObject([{ approval: { id } }])
    expect(verdicts.filter(({ decision }) => decision === 'ask')).toHaveLength(11)
  })

  it('what is approved for always holds at both, until it is revoked', async () => {
    await started()
    await started('jamey-conscience-2')
    const id = await idOf(evaluate(agent))
    await answer(person, id, { scope: 'always' })
    const decisions = async () =>
      new Set(
        (await Promise.all(Array.from({ length: 8 }, () => evaluate(agent)))).map(({ decision }) => decision),
      )
    await expect.poll(decisions).toEqual(new Set(['allow']))
    await person.request(atKeeper(approvals.revoke, id.slice(37)), { approval_id: id }, TIME)
    expect(await decisions()).toEqual(new Set(['ask']))
  })

  it('what is asked no longer is so at both, for whom it was asked and for nobody else', async () => {
    await started()
    await started('jamey-conscience-2')
    const withdraw = (bus: Bus, approval_id: string) =>
      bus.request(approvals.withdraw, { approval_id, because: 'answered elsewhere' }, TIME)
    const stranger = await system.client('stranger', ASKING)
    // Each goes to one of both, and about half of them not to the one that keeps it.
    for (let i = 0; i < 6; i++) {
      const id = await idOf(evaluate(agent, { session_id: `s-${i}` }))
      await expect(withdraw(stranger, id)).rejects.toMatchObject({ kind: 'approval-unknown' })
      const { approval } = await withdraw(agent, id)
      expect(approval).toMatchObject({ status: 'revoked', revoked_by: agent.clientId })
      await expect(answer(person, id)).rejects.toMatchObject({ kind: 'approval-settled' })
    }
    const id = await idOf(evaluate(agent))
    await answer(person, id)
    expect((await withdraw(agent, id)).approval).toMatchObject({ status: 'approved' })
    const forged = { approval_id: id, requested_by: agent.clientId }
    const asked = (await system.bus('jamey-conscience-4', ['#'])).request(
      atKeeper(approvals.forwardWithdrawal, id.slice(37)),
      forged,
      TIME,
    )
    await expect(asked).rejects.toMatchObject({ kind: 'not-permitted' })
  })

  it('one whose keeper is away is good for nothing, and good again when that is back', async () => {
    const first = await started()
    const id = await idOf(evaluate(agent, { session_id: 's' }))
    await answer(person, id, { scope: 'session' })
    await started('jamey-conscience-2')
    await expect.poll(async () => (await evaluate(agent, { session_id: 's' })).decision).toBe('allow')
    await first.stop()
    expect(await evaluate(agent, { session_id: 's' })).toMatchObject({ decision: 'ask' })
    await started()
    await expect.poll(async () => (await evaluate(agent, { session_id: 's' })).approval?.id).toBe(id)
  })

  it('nothing is believed of one that is not named', async () => {
    await started('jamey-conscience', { consciences: ['jamey-conscience'] })
    const id = await idOf(evaluate(agent))
    await answer(person, id, { scope: 'always' })
    const stranger = await system.bus('jamey-conscience-3', ['#'])
    const use = {
      approval_id: id,
      call_digest: (await evaluate(agent)).call_digest,
      rules: ['mail'],
      requested_by: agent.clientId,
      approvers: 1,
      evaluation_id: 'e',
    }
    const asked = stranger.request(atKeeper(approvals.use, 'jamey-conscience'), use, TIME)
    await expect(asked).rejects.toMatchObject({ kind: 'not-permitted' })
    await person.request(atKeeper(approvals.revoke, 'jamey-conscience'), { approval_id: id }, TIME)
    const again = await idOf(evaluate(agent))
    await answer(person, again)
    const { evaluation_id } = await evaluate(agent)
    const back = { approval_id: again, evaluation_id }
    const given = stranger.request(atKeeper(approvals.giveBack, 'jamey-conscience'), back, TIME)
    await expect(given).rejects.toMatchObject({ kind: 'not-permitted' })
    expect(await get(agent, again)).toMatchObject({ status: 'used' })
  })
})
