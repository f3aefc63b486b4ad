import { RequestError } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, memoryOf, post, type RunningFixture, startGateway } from '../service/gateway.support.js'

let running: RunningFixture

beforeEach(async () => {
  running = await startGateway()
})

afterEach(() => running.gateway.stop())

const asked = () => running.bus.requests.at(-1)
const patch = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  call(`${running.url}${path}`, {
    method: 'PATCH',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

describe.each([
  ['/v1/memories', topics.memory],
  ['/v1/others/memories', topics.memory.others],
])('%s', (root, contracts) => {
  it('stores a batch, under the Idempotency-Key as a whole', async () => {
    const { bus, url } = running
    const ids: string[] = []
    bus.answer(contracts.storeBatch, ({ envelope }) => {
      ids.push(envelope.message_id)
      return {
        results: [{ memory: memoryOf('1', 'a'), created: true }, { error: { code: 'x', message: 'y' } }],
      }
    })
    const owner = root.includes('others') ? { owner: 'ann' } : {}
    const memories = [{ content: 'a', ...owner }]
    const headers = { 'idempotency-key': 'one' }
    const answer = await post(`${url}${root}/batch`, { memories }, headers)
    await post(`${url}${root}/batch`, { memories }, headers)
    expect(answer).toMatchObject({
      status: 200,
      body: { results: [{ created: true }, { error: { code: 'x' } }] },
    })
    expect(ids[1]).toBe(ids[0])
    expect(asked()?.data).toMatchObject({ memories: [{ content: 'a', layer: 'short_term' }] })
  })

  it('recalls by a body, with conditions on metadata', async () => {
    const { bus, url } = running
    bus.answer(contracts.query, () => ({ memories: [], total: 0, next_cursor: 'c2' }))
    const query = {
      query: 'tea',
      where: { 'user.age': { gte: 18 } },
      as_of: '2024-01-01T00:00:00Z',
      cursor: 'c1',
    }
    const answer = await post(`${url}${root}/query`, query)
    expect(answer).toMatchObject({ status: 200, body: { total: 0, next_cursor: 'c2' } })
    expect(asked()?.data).toEqual({ ...query, limit: 10 })
    const wrong = await post(`${url}${root}/query`, { where: { a: { gte: true } } })
    expect(wrong).toMatchObject({ status: 400, body: { field: expect.stringMatching(/^where/) } })
  })

  it('recalls by parameters, each by its kind', async () => {
    const { bus, url } = running
    bus.answer(contracts.query, () => ({ memories: [], total: 0 }))
    await call(`${url}${root}?session_id=s&trusted=false&explain=true&scope=group:ops&cursor=c&origin=x`)
    expect(asked()?.data).toEqual({
      session_id: 's',
      trusted: false,
      explain: true,
      scope: 'group:ops',
      cursor: 'c',
      origin: 'x',
      limit: 10,
    })
    const wrong = await call(`${url}${root}?trusted=maybe`)
    expect(wrong).toMatchObject({ status: 400, body: { field: 'trusted' } })
  })

  it('gives a memory with its version as ETag, and 304 to whoever has it', async () => {
    const { bus, url } = running
    bus.answer(contracts.get, () => ({ memory: { ...memoryOf('1', 'a'), version: 3 } }))
    const first = await call(`${url}${root}/1`)
    expect(first).toMatchObject({ status: 200, headers: { etag: '"3"' } })
    const again = await call(`${url}${root}/1`, { headers: { 'if-none-match': '"3"' } })
    expect(again).toMatchObject({ status: 304, text: '', headers: { etag: '"3"' } })
    const older = await call(`${url}${root}/1`, { headers: { 'if-none-match': '"2"' } })
    expect(older.status).toBe(200)
  })

  it('changes a memory of the version that If-Match names, and says 412 where it is another', async () => {
    const { bus } = running
    bus.answer(contracts.update, ({ data }) => {
      const { if_version: version } = data as { if_version?: number }
      if (version === 2)
        throw new RequestError('memory-version', 'it has version 3', { details: { version: 3 } })
      return { memory: { ...memoryOf('1', 'b'), version: 4 }, previous_version: 3 }
    })
    const changed = await patch(`${root}/1`, { content: 'b' }, { 'if-match': '"3"' })
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"4"' }, body: { previous_version: 3 } })
    expect(asked()?.data).toEqual({ id: '1', content: 'b', if_version: 3 })
    const late = await patch(`${root}/1`, { content: 'b' }, { 'if-match': '"2"' })
    expect(late).toMatchObject({
      status: 412,
      body: { type: 'urn:jamey:problem:version-changed', code: 'memory-version', details: { version: 3 } },
    })
    await patch(`${root}/1`, { content: 'b' }, { 'if-match': '*' })
    expect(asked()?.data).toEqual({ id: '1', content: 'b' })
    for (const value of ['3', 'W/"3"', '"3", "4"', '"x"']) {
      expect(await patch(`${root}/1`, { content: 'b' }, { 'if-match': value })).toMatchObject({
        status: 400,
        body: { field: 'If-Match' },
      })
    }
    expect(await patch(`${root}/1`, [1])).toMatchObject({ status: 400, body: { field: 'body' } })
  })

  it('changes once under one Idempotency-Key', async () => {
    const { bus } = running
    const ids: string[] = []
    bus.answer(contracts.update, ({ envelope }) => {
      ids.push(envelope.message_id)
      return { memory: memoryOf('1', 'b'), previous_version: 1 }
    })
    for (const key of ['a', 'a', 'b']) await patch(`${root}/1`, { content: 'b' }, { 'idempotency-key': key })
    expect(new Set(ids).size).toBe(2)
    expect(ids[1]).toBe(ids[0])
  })

  it.each([
    ['memory-conflict', /something else was stored under this key/],
    ['memory-gone', /was forgotten since/],
  ])('says %s of the Idempotency-Key, whose message_id nobody has seen', async (kind, detail) => {
    const { bus, url } = running
    bus.answer(contracts.store, () => {
      throw new RequestError(kind, 'message_id: another memory is stored under 1f0a')
    })
    const owner = root.includes('others') ? { owner: 'ann' } : {}
    const answer = await post(`${url}${root}`, { content: 'a', ...owner }, { 'idempotency-key': 'one' })
    expect(answer).toMatchObject({ status: 409, body: { code: kind, detail: expect.stringMatching(detail) } })
    expect(JSON.stringify(answer.body)).not.toContain('1f0a')
  })

  it('gives the history of a memory, and says 404 where there is none', async () => {
    const { bus, url } = running
    bus.answer(contracts.history, ({ data }) => ({
      versions: (data as { id: string }).id === '1' ? [memoryOf('1', 'a')] : [],
    }))
    const known = await call(`${url}${root}/1/history?limit=5`)
    expect(known).toMatchObject({ status: 200, body: { versions: [{ id: '1' }] } })
    expect(asked()?.data).toEqual({ id: '1', limit: 5 })
    expect((await call(`${url}${root}/2/history`)).status).toBe(404)
  })

  it('forgets by conditions, and says how many where that has to be confirmed', async () => {
    const { bus, url } = running
    bus.answer(contracts.forget, ({ data }) => {
      const { dry_run: isDry, confirm = 0 } = data as { dry_run?: boolean; confirm?: number }
      if (isDry === true) return { forgotten: 0, would_forget: 200 }
      if (confirm >= 200) return { forgotten: 200 }
      const details = { would_forget: 200 }
      throw new RequestError('memory-confirmation-needed', 'these are 200', { details })
    })
    const forget = (more: object) => post(`${url}${root}/forget`, { tags: ['a'], ...more })
    expect(await forget({ dry_run: true })).toMatchObject({ status: 200, body: { would_forget: 200 } })
    expect(await forget({})).toMatchObject({
      status: 409,
      body: { code: 'memory-confirmation-needed', details: { would_forget: 200 } },
    })
    expect(await forget({ confirm: 200 })).toMatchObject({ status: 200, body: { forgotten: 200 } })
    expect((await post(`${url}${root}/forget`, {})).status).toBe(400)
  })

  it('consolidates without a body, too, and tells of what there is', async () => {
    const { bus, url } = running
    bus.answer(contracts.consolidate, () => ({ merged: 1, promoted: 2, evicted: 3 }))
    const stats = { memories: 1, by_layer: {}, by_scope: {}, bytes: 5, index: {} }
    bus.answer(contracts.stats, () => stats)
    const answer = await call(`${url}${root}/consolidate`, { method: 'POST' })
    expect(answer).toMatchObject({ status: 200, body: { merged: 1, promoted: 2, evicted: 3 } })
    expect((await call(`${url}${root}/stats`)).body).toEqual(stats)
  })

  it.each([
    ['memory-forbidden', 403],
    ['memory-quota', 507],
    ['memory-query-timeout', 504],
    ['memory-gone', 409],
    ['memory-unknown', 404],
  ])('tells %s as %i with its code and what it is about', async (kind, status) => {
    const { bus, url } = running
    bus.answer(contracts.query, () => {
      throw new RequestError(kind, 'the words of the memory', { details: { maximum: 1 } })
    })
    const answer = await call(`${url}${root}`)
    expect(answer).toMatchObject({
      status,
      body: { code: kind, detail: 'the words of the memory', details: { maximum: 1 } },
    })
  })
})
