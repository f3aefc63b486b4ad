import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Approval, ApprovalStatus } from '@jamey/contracts'
import { openRecordStore } from '@jamey/store'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { SETTLED_KEPT_MS } from './approval-book.js'
import { APPROVE, askOf, DENY, LIFETIMES, TestBook, TestRecords } from './book.support.js'

let book: TestBook
beforeEach(() => {
  book = new TestBook()
})

const approved = async (scope: 'once' | 'session' | 'always' = 'once', ask = askOf()): Promise<Approval> => {
  const { approval_id } = await book.add(ask)
  return book.answer(approval_id, { ...APPROVE, scope })
}

describe('an approval', () => {
  it('is pending until a person answers, and then good for one call', async () => {
    const pending = await book.add(askOf())
    expect(pending).toMatchObject({
      status: 'pending',
      requested_by: 'agent-7',
      answers: [],
      expires_at: '2024-11-14T20:01:00.000Z',
    })
    expect(pending.approval_id).toMatch(/^[0-9a-f-]{36}\.jamey-conscience$/)
    expect(book.known(askOf())).toEqual({ denied: undefined, approved: [], pending })
    book.time.nowMs += 30_000
    const answer = await book.answer(pending.approval_id, { ...APPROVE, note: 'I know Ann' })
    expect(answer).toMatchObject({
      status: 'approved',
      scope: 'once',
      expires_at: '2024-11-14T20:01:30.000Z',
      answers: [{ answered_by: 'ada', decision: 'approve', scope: 'once', note: 'I know Ann' }],
    })
    expect(await book.use(pending.approval_id, askOf(), 'e-1')).toMatchObject({
      status: 'used',
      evaluation_id: 'e-1',
    })
    expect(await book.use(pending.approval_id, askOf(), 'e-2')).toBeUndefined()
    expect(book.known(askOf())).toEqual({ denied: undefined, approved: [], pending: undefined })
    expect(book.told.map(({ status }) => status)).toEqual(['pending', 'approved', 'used'])
  })

  it('that is used by many at once is used once', async () => {
    const { approval_id } = await approved()
    const uses = await Promise.all(
      Array.from({ length: 20 }, (_, i) => book.use(approval_id, askOf(), `e-${i}`)),
    )
    expect(uses.filter((one) => one !== undefined)).toHaveLength(1)
  })

  it('that was used up by an evaluation that failed is good for one call again, and by that evaluation alone', async () => {
    const { approval_id, expires_at } = await approved()
    await book.use(approval_id, askOf(), 'e-1')
    await book.giveBack(approval_id, 'e-2')
    expect(book.get(approval_id)).toMatchObject({ status: 'used', evaluation_id: 'e-1' })
    await book.giveBack(approval_id, 'e-1')
    expect(book.get(approval_id)).toMatchObject({ status: 'approved', scope: 'once', expires_at })
    expect(book.get(approval_id)).not.toHaveProperty('evaluation_id')
    const uses = await Promise.all(['e-3', 'e-4'].map((id) => book.use(approval_id, askOf(), id)))
    expect(uses.filter((one) => one !== undefined)).toMatchObject([{ evaluation_id: 'e-3' }])
    await book.giveBack(approval_id, 'e-1')
    expect(await book.use(approval_id, askOf(), 'e-5')).toBeUndefined()
  })

  it('that is given back after its end has expired', async () => {
    const { approval_id } = await approved()
    await book.use(approval_id, askOf(), 'e-1')
    book.time.nowMs += LIFETIMES.pendingMs
    await book.giveBack(approval_id, 'e-1')
    expect(book.told.at(-1)).toMatchObject({ approval_id, status: 'expired' })
    expect(await book.use(approval_id, askOf(), 'e-2')).toBeUndefined()
  })

  it('stays used up where it cannot be written that it is given back', async () => {
    const records = new TestRecords()
    book = new TestBook(records)
    const { approval_id } = await approved()
    await book.use(approval_id, askOf(), 'e-1')
    records.failure = new Error('the disk is full')
    await expect(book.giveBack(approval_id, 'e-1')).rejects.toThrow('the disk is full')
    records.failure = undefined
    expect(await book.use(approval_id, askOf(), 'e-2')).toBeUndefined()
    expect(await new TestBook(records).use(approval_id, askOf(), 'e-2')).toBeUndefined()
  })

  it.each([
    ['other arguments', { callDigest: `sha256:${'2'.repeat(64)}` }],
    ['other changed arguments', { changedCallDigest: `sha256:${'2'.repeat(64)}` }],
    ['another requester', { requestedBy: 'agent-8' }],
    ['another session', { sessionId: 'other' }],
    ['no session', { sessionId: undefined }],
    ['one more rule that asks', { rules: ['mail-to-others', 'new-recipient'] }],
    ['two people that have to approve by now', { approvers: 2 as const }],
  ])('is good for no call with %s', async (_, changes) => {
    const { approval_id } = await approved()
    expect(await book.use(approval_id, askOf(changes), 'e')).toBeUndefined()
    expect(book.known(askOf(changes)).approved).toEqual([])
    expect(book.get(approval_id)).toMatchObject({ status: 'approved' })
  })

  it('for a session is good for as often as it is asked there, for always in each of its requester', async () => {
    const { approval_id: session } = await approved('session')
    for (const id of ['e-1', 'e-2'])
      expect(await book.use(session, askOf(), id)).toMatchObject({ status: 'approved' })
    expect(await book.use(session, askOf({ sessionId: 'other' }), 'e')).toBeUndefined()
    const { approval_id: always, expires_at } = await approved('always')
    expect(expires_at).toBeUndefined()
    book.time.nowMs += 10 * 365 * 86_400_000
    expect(await book.use(session, askOf(), 'e')).toBeUndefined()
    expect(await book.use(always, askOf({ sessionId: 'other', rules: [] }), 'e')).toMatchObject({
      scope: 'always',
    })
    expect(await book.use(always, askOf({ requestedBy: 'agent-8' }), 'e')).toBeUndefined()
    expect(await book.revoke(always, 'ada')).toMatchObject({ status: 'revoked', revoked_by: 'ada' })
    expect(await book.use(always, askOf(), 'e')).toBeUndefined()
  })

  it('that its requester withdraws is settled, and the same call is another question', async () => {
    const { approval_id } = await book.add(askOf())
    await expect(book.withdraw(approval_id, 'agent-8', undefined)).rejects.toMatchObject({
      kind: 'approval-unknown',
    })
    expect(await book.withdraw(approval_id, 'agent-7', 'answered elsewhere')).toMatchObject({
      status: 'revoked',
      revoked_by: 'agent-7',
      revoked_because: 'answered elsewhere',
    })
    await expect(book.answer(approval_id, APPROVE)).rejects.toMatchObject({ kind: 'approval-settled' })
    expect(book.known(askOf())).toEqual({ denied: undefined, approved: [], pending: undefined })
    expect(await book.withdraw(approval_id, 'agent-7', 'again')).toMatchObject({
      revoked_because: 'answered elsewhere',
    })
  })

  it('that was answered is not withdrawn: the first answer counts', async () => {
    const { approval_id: yes } = await approved()
    expect(await book.withdraw(yes, 'agent-7', undefined)).toMatchObject({ status: 'approved' })
    const { approval_id: no } = await book.add(askOf({ sessionId: 'other' }))
    await book.answer(no, DENY)
    expect(await book.withdraw(no, 'agent-7', undefined)).toMatchObject({ status: 'denied' })
    const { approval_id: open } = await book.add(askOf({ sessionId: 'third' }))
    await expect(book.revoke(open, 'ada')).rejects.toMatchObject({ kind: 'approval-settled' })
  })

  it('cannot be for a session that there is not', async () => {
    const { approval_id } = await book.add(askOf({ sessionId: undefined }))
    const answer = book.answer(approval_id, { ...APPROVE, scope: 'session' })
    await expect(answer).rejects.toMatchObject({
      kind: 'invalid-request',
      message: expect.stringContaining('scope'),
    })
    expect(book.get(approval_id)).toMatchObject({ status: 'pending' })
  })

  it('that is denied denies the call to its end, whatever rule asks then', async () => {
    const { approval_id } = await book.add(askOf())
    expect(await book.answer(approval_id, { ...DENY, note: 'no' })).toMatchObject({ status: 'denied' })
    expect(book.known(askOf({ rules: ['another'] })).denied).toMatchObject({ approval_id })
    expect(book.known(askOf({ sessionId: 'other' })).denied).toBeUndefined()
    book.time.nowMs += LIFETIMES.pendingMs + SETTLED_KEPT_MS
    await book.sweep()
    expect([...book.all()]).toEqual([])
  })

  it('expires whether anybody looks or not', async () => {
    const pending = await book.add(askOf())
    const once = await approved('once', askOf({ sessionId: 'b' }))
    book.time.nowMs += LIFETIMES.pendingMs
    for (const { approval_id } of [pending, once]) {
      expect(book.get(approval_id)).toMatchObject({ status: 'expired' })
      await expect(book.answer(approval_id, APPROVE)).rejects.toMatchObject({ kind: 'approval-settled' })
    }
    expect(await book.use(once.approval_id, askOf({ sessionId: 'b' }), 'e')).toBeUndefined()
    const nextAtMs = await book.sweep()
    expect(book.told.slice(-2).map(({ status }) => status)).toEqual(['expired', 'expired'])
    expect(nextAtMs).toBe(book.time.nowMs + SETTLED_KEPT_MS)
    book.time.nowMs = nextAtMs
    await book.sweep()
    expect([...book.all()]).toEqual([])
  })

  it.each([
    ['the requester', { answeredBy: 'agent-7' }],
    ['the requester in the name of another', { sentBy: 'agent-7' }],
    ['who passed the request on', { answeredBy: 'jamey-gateway' }],
  ])('is answered by nobody that it is about: %s', async (_, changes) => {
    const { approval_id } = await book.add(askOf({ sentBy: 'jamey-gateway' }))
    for (const answer of [APPROVE, DENY]) {
      await expect(book.answer(approval_id, { ...answer, ...changes })).rejects.toMatchObject({
        kind: 'not-permitted',
      })
    }
    // People answer through the gateway as well.
    expect(await book.answer(approval_id, { ...APPROVE, sentBy: 'jamey-gateway' })).toMatchObject({
      status: 'approved',
    })
  })

  it('of four eyes takes two people, for the narrower of what they say', async () => {
    const { approval_id } = await book.add(askOf({ approvers: 2 }))
    expect(await book.answer(approval_id, { ...APPROVE, scope: 'always' })).toMatchObject({
      status: 'pending',
    })
    expect(await book.use(approval_id, askOf({ approvers: 2 }), 'e')).toBeUndefined()
    await expect(book.answer(approval_id, APPROVE)).rejects.toMatchObject({ kind: 'not-permitted' })
    const second = { ...APPROVE, answeredBy: 'bob', sentBy: 'bob', scope: 'session' } as const
    expect(await book.answer(approval_id, second)).toMatchObject({ status: 'approved', scope: 'session' })
    expect(await book.use(approval_id, askOf({ approvers: 2 }), 'e')).toBeDefined()
  })

  it('of four eyes is denied by either', async () => {
    const { approval_id } = await book.add(askOf({ approvers: 2 }))
    await book.answer(approval_id, APPROVE)
    expect(await book.answer(approval_id, { ...DENY, answeredBy: 'bob' })).toMatchObject({ status: 'denied' })
  })
})

describe('what nothing leads to', () => {
  const states: Record<ApprovalStatus, () => Promise<string>> = {
    pending: async () => (await book.add(askOf())).approval_id,
    approved: async () => (await approved()).approval_id,
    denied: async () => (await book.answer(await states.pending(), DENY)).approval_id,
    used: async () => (await book.use(await states.approved(), askOf(), 'e'))?.approval_id ?? '',
    revoked: async () => (await book.revoke(await states.approved(), 'ada')).approval_id,
    expired: async () => {
      const id = await states.pending()
      book.time.nowMs += LIFETIMES.pendingMs
      return id
    },
  }
  const moves = {
    answer: (id: string) => book.answer(id, APPROVE),
    deny: (id: string) => book.answer(id, DENY),
    revoke: (id: string) => book.revoke(id, 'ada'),
  }
  const legal = ['pending answer', 'pending deny', 'approved revoke']
  const pairs = Object.keys(states).flatMap((status) =>
    Object.keys(moves).map((move) => [status, move] as const),
  )

  it.each(pairs.filter(([status, move]) => !legal.includes(`${status} ${move}`)))(
    'is refused: %s, then %s',
    async (status, move) => {
      const id = await states[status as ApprovalStatus]()
      await expect(moves[move as keyof typeof moves](id)).rejects.toMatchObject({ kind: 'approval-settled' })
      expect(book.get(id)).toMatchObject({ status })
    },
  )

  it('is what there is not', async () => {
    const id = '7c1d2e3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f.jamey-conscience'
    for (const move of Object.values(moves))
      await expect(move(id)).rejects.toMatchObject({ kind: 'approval-unknown' })
    expect(await book.use(id, askOf(), 'e')).toBeUndefined()
  })
})

describe('bounds', () => {
  const limits = {
    openPerRequester: 3,
    open: 5,
    bytesPerRequester: 500,
    bytes: 10_000,
    standingPerRequester: 2,
    settledPerRequester: 2,
    deniedPerRequester: 3,
  }
  const ask = (requestedBy: string, i: number) =>
    askOf({ requestedBy, sentBy: requestedBy, callDigest: `sha256:${i}` })
  const full = { kind: 'approvals-full', retryable: true }

  beforeEach(() => {
    book = new TestBook(new TestRecords(), { limits })
  })

  it('are of each requester, and a flood takes nothing of what others have', async () => {
    const { approval_id } = await book.add(ask('honest', 0))
    for (let i = 0; i < 3; i++) await book.add(ask('flood', i))
    for (let i = 3; i < 50; i++) await expect(book.add(ask('flood', i))).rejects.toMatchObject(full)
    expect(book.get(approval_id)).toMatchObject({ status: 'pending' })
    await book.add(ask('honest', 1))
    await expect(book.add(ask('honest', 2))).rejects.toMatchObject(full)
    await book.answer(approval_id, DENY)
    await book.add(ask('honest', 2))
  })

  it('are of bytes, too, and of what a person can read', async () => {
    const large = { ...ask('a', 1), arguments: { text: 'x'.repeat(300) } }
    await book.add(large)
    await expect(book.add({ ...large, callDigest: 'sha256:2' })).rejects.toMatchObject(full)
    const huge = book.add({ ...large, requestedBy: 'b', arguments: { text: 'x'.repeat(70_000) } })
    await expect(huge).rejects.toMatchObject({ kind: 'approval-too-large', retryable: false })
  })

  it('let standing ones and settled ones take no room of what is asked', async () => {
    for (let i = 0; i < 2; i++) await approved('always', ask('a', i))
    const third = await book.add(ask('a', 2))
    await expect(book.answer(third.approval_id, { ...APPROVE, scope: 'always' })).rejects.toMatchObject(full)
    await book.answer(third.approval_id, DENY)
    const kept = () => [...book.all()].slice(2).map(({ status, call_digest }) => `${status} ${call_digest}`)
    const withdrawn = async (i: number) => book.withdraw((await book.add(ask('a', i))).approval_id, 'a', 'x')
    for (let i = 3; i < 10; i++) await withdrawn(i)
    // A denial is not forgotten for what its requester asks and withdraws.
    expect(kept()).toEqual(['denied sha256:2', 'revoked sha256:9'])
    for (let i = 10; i < 20; i++) await book.answer((await book.add(ask('a', i))).approval_id, DENY)
    expect(kept()).toEqual([15, 16, 17, 18, 19].map((i) => `denied sha256:${i}`))
  })
})

describe('a book on disk', () => {
  it('has everything again that it told of', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-approvals-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const open = () =>
      openRecordStore({ path: join(folder, 'approvals'), kind: 'jamey approvals', version: 1 })
    book = new TestBook(await open())
    const once = await approved()
    book.time.nowMs += 1
    const pending = await book.add(askOf({ sessionId: 'b' }))
    book.time.nowMs += 1
    const always = await approved('always')
    await book.use(once.approval_id, askOf(), 'e')
    const before = [...book.all()]
    await book.close()
    book = new TestBook(await open())
    expect([...book.all()]).toEqual(before)
    expect(await book.use(once.approval_id, askOf(), 'e')).toBeUndefined()
    expect(book.known(askOf({ sessionId: 'b' })).pending).toEqual(pending)
    expect(await book.use(always.approval_id, askOf(), 'e')).toBeDefined()
    await book.close()
  })

  it('tells of what it cannot read, and goes on without it', async () => {
    const records = new TestRecords()
    book = new TestBook(records)
    const { approval_id } = await approved()
    records.content.set('a', Buffer.from('{}'))
    const damaged: string[] = []
    book = new TestBook(records, { onDamage: (key) => damaged.push(key) })
    expect(damaged).toEqual(['a'])
    expect(book.get(approval_id)).toMatchObject({ status: 'approved' })
  })
})

describe('a disk that fails', () => {
  let records: TestRecords
  beforeEach(() => {
    records = new TestRecords()
    book = new TestBook(records)
  })

  it('leaves everything as it was before, and tells who asked', async () => {
    const { approval_id } = await book.add(askOf())
    records.failure = new Error('no room')
    await expect(book.answer(approval_id, APPROVE)).rejects.toThrow('no room')
    expect(book.get(approval_id)).toMatchObject({ status: 'pending', answers: [] })
    await expect(book.add(askOf({ sessionId: 'b' }))).rejects.toThrow('no room')
    expect([...book.all()]).toHaveLength(1)
    records.failure = undefined
    await book.answer(approval_id, APPROVE)
    expect(book.told.map(({ status }) => status)).toEqual(['pending', 'approved'])
  })

  it('fails with an answer every use of it that did not wait', async () => {
    const { approval_id } = await book.add(askOf())
    records.failure = new Error('no room')
    const release = records.hold()
    const answer = book.answer(approval_id, { ...APPROVE, scope: 'session' })
    await Promise.resolve()
    const use = book.use(approval_id, askOf(), 'e')
    await Promise.resolve()
    records.failure = undefined
    const other = book.add(askOf({ sessionId: 'b' }))
    release()
    for (const promise of [answer, use, other]) await expect(promise).rejects.toThrow('no room')
    expect([...book.all()]).toMatchObject([{ status: 'pending', answers: [] }])
    await book.add(askOf({ sessionId: 'b' }))
  })

  it('is written to once for what comes at once', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => book.add(askOf({ callDigest: `sha256:${i}` }))))
    expect(records.commits).toBeLessThanOrEqual(2)
    expect(records.content.size).toBe(50)
  })
})
