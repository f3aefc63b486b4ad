import { type Approval, type ListApprovalsInput, listApprovalsSchema } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { pageOf } from './approval-page.js'

const approval = (id: string, minute: number, status: Approval['status'] = 'pending') =>
  ({
    approval_id: id,
    status,
    requested_by: id < 'c' ? 'ann' : 'bob',
    created_at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
    changed_at: new Date(Date.UTC(2026, 0, 2, 0, 60 - minute)).toISOString(),
  }) as Approval

const page = (approvals: readonly Approval[], asked: ListApprovalsInput) => {
  const { approvals: some, ...rest } = pageOf(approvals, listApprovalsSchema.parse(asked))
  return { ids: some.map(({ approval_id }) => approval_id).join(''), ...rest }
}

describe('a page of approvals', () => {
  // Two of one moment are told apart by their ids.
  const all = [approval('a', 1), approval('b', 3), approval('c', 2), approval('d', 2, 'approved')]

  it('has the newest first, and none but those that fit', () => {
    expect(page(all, {})).toEqual({ ids: 'bcda', total: 4 })
    expect(page(all, { status: ['pending'], requested_by: 'ann' })).toEqual({ ids: 'ba', total: 2 })
    expect(page(all, { offset: 1, limit: 2 })).toMatchObject({ ids: 'cd', total: 4 })
  })

  it('goes on behind the last one, whatever has come or gone since', () => {
    const first = page(all, { limit: 2 })
    expect(first).toEqual({ ids: 'bc', total: 4, next_cursor: expect.any(String) })
    const cursor = first.next_cursor
    const since = [approval('e', 9), ...all.filter(({ approval_id }) => approval_id !== 'c')]
    const second = page(since, { limit: 1, cursor })
    expect(second).toMatchObject({ ids: 'd', total: 4 })
    expect(page(since, { limit: 1, cursor: second.next_cursor })).toEqual({ ids: 'a', total: 4 })
  })

  it('has the last answer first where that is asked for, from page to page', () => {
    const first = page(all, { order: 'changed_at', limit: 2 })
    expect(first).toMatchObject({ ids: 'ac', total: 4 })
    expect(page(all, { order: 'changed_at', cursor: first.next_cursor })).toEqual({ ids: 'db', total: 4 })
  })

  it('has the next to expire first where that is asked for, and what never does last', () => {
    const ending = all.map((one) => (one.approval_id === 'c' ? one : { ...one, expires_at: one.created_at }))
    const first = page(ending, { order: 'expires_at', limit: 2 })
    expect(first).toMatchObject({ ids: 'ad', total: 4 })
    expect(page(ending, { order: 'expires_at', cursor: first.next_cursor })).toEqual({ ids: 'bc', total: 4 })
  })

  it.each([
    'nonsense',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('["x","y"]').toString('base64url'),
  ])('does not go on from a cursor that is none: %s', (cursor) => {
    expect(() => page(all, { cursor })).toThrow('cursor: must be next_cursor')
  })
})
