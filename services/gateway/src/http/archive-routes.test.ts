import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { RequestError } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, memoryOf, type RunningFixture, startGateway } from '../service/gateway.support.js'

let running: RunningFixture

beforeEach(async () => {
  running = await startGateway()
})

afterEach(() => running.gateway.stop({ graceMs: 0 }))

const archived = (id: string, content = 'a') => ({
  ...memoryOf(id, content),
  sent_at: '2024-11-14T20:00:00Z',
})
const LINES = { 'content-type': 'application/x-ndjson' }
const importing = (body: string | Uint8Array, headers: Record<string, string> = LINES) =>
  call(`${running.url}/v1/memories/import`, { body, headers })

/** Number of requests to the memory itself. */
const requestsTo = (action: string) => running.bus.requests.filter((one) => one.action === action).length

/** A number once it grows no more. */
async function stillOf(number: () => number): Promise<number> {
  let before = -1
  const isStill = () => {
    const was = before
    before = number()
    return was === before
  }
  await expect.poll(isStill, { interval: 200, timeout: 10_000 }).toBe(true)
  return before
}

describe('GET /v1/memories/export', () => {
  it('gives every page as lines of JSON', async () => {
    const { bus, url } = running
    bus.answer(topics.memory.export, ({ data }) => {
      const { cursor = '0', limit, with_history: history } = data as Record<string, string | number | boolean>
      expect({ limit, history }).toEqual({ limit: 500, history: true })
      const page = Number(cursor)
      return { memories: [archived(`${page}`)], ...(page < 2 ? { next_cursor: `${page + 1}` } : {}) }
    })
    const answer = await call(`${url}/v1/memories/export?with_history=true`)
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/x-ndjson; charset=utf-8' },
    })
    const lines = answer.text.trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['0', '1', '2'])
  })

  it('asks for nothing where the headers alone are wanted', async () => {
    const answer = await call(`${running.url}/v1/memories/export`, { method: 'HEAD' })
    expect(answer).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-type': 'application/x-ndjson; charset=utf-8' },
    })
    expect(requestsTo('export')).toBe(0)
  })

  it('asks for no more than its caller reads', async () => {
    const { bus, url } = running
    const text = 'x'.repeat(200_000)
    bus.answer(topics.memory.export, () => ({ memories: [archived('1', text)], next_cursor: 'more' }))
    const request = httpRequest(`${url}/v1/memories/export`, { agent: false })
    request.on('error', () => {})
    request.end()
    const [response] = await once(request, 'response')
    response.pause()
    // What the buffers of both sides and of the system take is a bound; the export has no end.
    expect((await stillOf(() => requestsTo('export'))) * text.length).toBeLessThan(64_000_000)
    request.destroy()
  })

  it('tells what fails at first as a problem, and breaks off where it fails later', async () => {
    const { bus, url } = running
    let pages = 0
    bus.answer(topics.memory.export, () => {
      pages += 1
      if (pages !== 2) throw new RequestError('storage-busy', 'not now', { retryable: true })
      return { memories: [archived('1')], next_cursor: 'more' }
    })
    expect(await call(`${url}/v1/memories/export`)).toMatchObject({
      status: 503,
      body: { type: 'urn:jamey:problem:unavailable' },
    })
    await expect(call(`${url}/v1/memories/export`)).rejects.toThrow()
    expect((await call(`${url}/v1/memories/export?cursor=x`)).status).toBe(400)
  })
})

describe('POST /v1/memories/import', () => {
  it('takes lines in batches, and tells what became of them, with the numbers of those that were refused', async () => {
    const { bus } = running
    const sizes: number[] = []
    bus.answer(topics.memory.import, ({ data }) => {
      const { memories } = data as { memories: { id: string }[] }
      sizes.push(memories.length)
      return {
        results: memories.map(({ id }) => {
          if (id === '3') return { id, error: { code: 'memory-conflict', message: 'another one is here' } }
          return { id, outcome: id === '1' ? 'known' : id === '2' ? 'expired' : 'restored' }
        }),
      }
    })
    const lines = Array.from({ length: 1_100 }, (_, i) => JSON.stringify(archived(`${i}`)))
    lines.splice(5, 0, '{"id": ', '', '{"id": "x"}', '{"id": "x", "id": "y"}')
    const answer = await importing(lines.join('\r\n'))
    expect(answer).toMatchObject({ status: 200, body: { imported: 1_097, known: 1, expired: 1, refused: 4 } })
    expect(answer.body['errors']).toEqual([
      { line: 6, code: 'invalid-request', message: expect.stringContaining('not JSON') },
      { line: 8, code: 'invalid-request', message: expect.stringContaining('content is missing') },
      { line: 9, code: 'invalid-request', message: expect.stringContaining('id is not acceptable') },
      { line: 4, code: 'memory-conflict', message: 'another one is here' },
    ])
    expect(sizes).toEqual([500, 500, 100])
  })

  it('reads no more of a body than one batch that is being taken', async () => {
    const { bus, url } = running
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    let taken = 0
    bus.answer(topics.memory.import, async ({ data }) => {
      await gate
      const { memories } = data as { memories: { id: string }[] }
      taken += memories.length
      return { results: memories.map(({ id }) => ({ id, outcome: 'restored' })) }
    })
    const request = httpRequest(`${url}/v1/memories/import`, { method: 'POST', headers: LINES, agent: false })
    const answered = once(request, 'response')
    const line = Buffer.from(`${JSON.stringify(archived('1', 'x'.repeat(100_000)))}\n`)
    const count = 400
    let gone = 0
    for (let i = 0; i < count; i += 1) {
      request.write(line, () => {
        gone += 1
      })
    }
    request.end()
    await expect.poll(() => requestsTo('import')).toBe(1)
    // The rest waits at the sender: what went is one batch and the buffers of the system.
    expect(await stillOf(() => gone)).toBeLessThan(count / 2)
    expect(requestsTo('import')).toBe(1)
    open()
    const [response] = await answered
    expect(response.statusCode).toBe(200)
    expect(taken).toBe(count)
    expect(requestsTo('import')).toBe(Math.ceil(count / Math.floor(524_288 / line.length)))
  })

  it('refuses a line that is too long, or no UTF-8, and takes the others', async () => {
    const { bus } = running
    bus.answer(topics.memory.import, ({ data }) => ({
      results: (data as { memories: { id: string }[] }).memories.map(({ id }) => ({
        id,
        outcome: 'restored',
      })),
    }))
    const body = Buffer.concat([
      Buffer.from(`"${'x'.repeat(2_000_000)}"\n`),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(JSON.stringify(archived('1'))),
    ])
    const answer = await importing(body)
    expect(answer.body).toMatchObject({
      imported: 1,
      refused: 2,
      errors: [
        { line: 1, message: expect.stringContaining('2000002 bytes') },
        { line: 2, message: 'The line is not UTF-8.' },
      ],
    })
  })

  it('says what is here by then where it fails on the way', async () => {
    const { bus } = running
    let batches = 0
    bus.answer(topics.memory.import, ({ data }) => {
      batches += 1
      if (batches === 2) throw new RequestError('memory-quota', 'there is no room', { details: { bytes: 9 } })
      const { memories } = data as { memories: { id: string }[] }
      return { results: memories.map(({ id }) => ({ id, outcome: 'restored' })) }
    })
    const lines = Array.from({ length: 600 }, (_, i) => JSON.stringify(archived(`${i}`)))
    expect(await importing(lines.join('\n'))).toMatchObject({
      status: 507,
      body: { code: 'memory-quota', detail: expect.stringContaining('500 memories are here by now') },
    })
  })

  it('takes bodies of lines alone, and no other route does', async () => {
    const { url } = running
    expect((await importing('{}', { 'content-type': 'application/json' })).status).toBe(415)
    expect((await call(`${url}/v1/memories`, { body: '{}', headers: LINES })).status).toBe(415)
    expect(await importing('\n\n')).toMatchObject({ status: 200, body: { imported: 0, refused: 0 } })
  })
})
