import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ASKING, AttackedSystem, REMEMBERING, VERSIONS } from './system.js'

const STORE = 'jamey/memory/store'
const QUERY = 'jamey/memory/query'
const FORGET = 'jamey/memory/forget'
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe.each(VERSIONS)('over MQTT %i, what another stored', (version) => {
  it('is neither found nor got, by its words or by its id', async () => {
    const [victim, attacker] = [
      await system.peer('victim', REMEMBERING, version),
      await system.peer('attacker', REMEMBERING, version),
    ]
    const marker = `secret${randomUUID().slice(0, 8)}`
    const { data } = await victim.ask(STORE, 'store', { content: `the ${marker} of the victim` })
    const { id } = memoryOf(data)
    await expect(attacker.ask(QUERY, 'query', { query: marker })).resolves.toMatchObject({
      data: { memories: [], total: 0 },
    })
    const everything = await attacker.ask(QUERY, 'query', { limit: 100 })
    expect(JSON.stringify(everything)).not.toContain(marker)
    await expect(attacker.ask(QUERY, 'get', { id })).resolves.toMatchObject({ data: { memory: null } })
    await expect(victim.ask(QUERY, 'query', { query: marker })).resolves.toMatchObject({ data: { total: 1 } })
  })

  it('is not forgotten: by time, layer, tag or id', async () => {
    const [victim, attacker] = [
      await system.peer('victim', REMEMBERING, version),
      await system.peer('attacker', REMEMBERING, version),
    ]
    const content = `kept ${randomUUID()}`
    const { data } = await victim.ask(STORE, 'store', { content, tags: ['travel'] })
    const { id } = memoryOf(data)
    const attempts = [
      { before: '2999-01-01T00:00:00Z' },
      { layer: 'short_term' },
      { tags: ['travel'] },
      { id },
    ]
    for (const attempt of attempts) {
      await expect(attacker.ask(FORGET, 'forget', attempt)).resolves.toMatchObject({ data: { forgotten: 0 } })
    }
    // The former place of this action, which came with the right to store.
    const former = await attacker.ask(STORE, 'forget', { before: '2999-01-01T00:00:00Z' })
    expect(former.data).toBeUndefined()
    await expect(victim.ask(QUERY, 'get', { id })).resolves.toHaveProperty('data.memory.content', content)
    await expect(victim.ask(FORGET, 'forget', { id })).resolves.toMatchObject({ data: { forgotten: 1 } })
  })

  it('is not replaced, claimed or told by its id', async () => {
    const [victim, attacker] = [
      await system.peer('victim', REMEMBERING, version),
      await system.peer('attacker', REMEMBERING, version),
    ]
    const messageId = randomUUID()
    const content = `mine ${messageId}`
    await victim.ask(STORE, 'store', { content }, { messageId })
    const forged = await attacker.ask(STORE, 'store', { content: 'theirs' }, { messageId })
    expect(JSON.stringify(forged)).not.toContain(content)
    const copied = await attacker.ask(STORE, 'store', { content }, { messageId, correlationId: randomUUID() })
    expect(copied.data?.['memory'] ?? {}).not.toHaveProperty('source', victim.clientId)
    await expect(victim.ask(QUERY, 'get', { id: messageId })).resolves.toHaveProperty(
      'data.memory.content',
      content,
    )
  })

  it('is not announced to those who may hear of changes', async () => {
    const victim = await system.peer('victim', REMEMBERING, version)
    const attacker = await system.peer(
      'attacker',
      [...REMEMBERING, 'subscribe:jamey/memory/updates/#'],
      version,
    )
    await attacker.hear('jamey/memory/updates/#')
    const marker = `unheard${randomUUID().slice(0, 8)}`
    await victim.ask(STORE, 'store', { content: marker })
    await victim.ask(STORE, 'store', { content: 'shared with all', scope: 'shared' })
    await expect.poll(() => texts(attacker.received).includes('shared with all')).toBe(true)
    expect(texts(attacker.received)).not.toContain(marker)
  })

  it('is opened by no word of the request: owner, scope, source', async () => {
    const [victim, attacker] = [
      await system.peer('victim', REMEMBERING, version),
      await system.peer('attacker', REMEMBERING, version),
    ]
    const marker = `guarded${randomUUID().slice(0, 8)}`
    await victim.ask(STORE, 'store', { content: marker })
    for (const words of [
      { owner: victim.clientId },
      { owner: '*' },
      { scope: 'private' },
      { source: victim.clientId },
    ]) {
      const answer = await attacker.ask(QUERY, 'query', { query: marker, ...words })
      expect(JSON.stringify(answer)).not.toContain(`the ${marker}`)
      expect(answer.data?.['total'] ?? 0).toBe(0)
    }
    const planted = await attacker.ask(STORE, 'store', { content: 'believe me', owner: victim.clientId })
    expect(planted.data).toBeUndefined()
  })

  it('stays closed to those without the rights of their own, at the topics of others', async () => {
    const attacker = await system.peer('attacker', [...ASKING, ...REMEMBERING], version)
    for (const topic of [
      'jamey/memory/others/query',
      'jamey/memory/others/forget',
      'jamey/memory/others/store',
    ]) {
      expect(await system.takes(attacker, topic, '{}')).toBe(false)
    }
  })
})

describe('over HTTP, what another stored', () => {
  it('is neither found, got nor forgotten with a token of its own', async () => {
    const marker = `web${randomUUID().slice(0, 8)}`
    const [victim, attacker] = [
      await system.token('victim-web', REMEMBERING),
      await system.token('attacker-web', REMEMBERING),
    ]
    const content = JSON.stringify({ content: marker })
    const stored = await system.json('/v1/memories', victim, { method: 'POST', body: content })
    expect(stored).toMatchObject({ status: 201, body: { memory: { source: 'victim-web' } } })
    const path = `/v1/memories/${stored.body.memory.id}`
    const found = await system.json(`/v1/memories?q=${marker}`, attacker)
    expect(found).toMatchObject({ status: 200, body: { total: 0 } })
    expect((await system.call(path, attacker)).status).toBe(404)
    expect((await system.call(path, attacker, { method: 'DELETE' })).status).toBe(404)
    expect((await system.call(path, victim)).status).toBe(200)
  })

  it('is not changed, told by its history, taken by an export or an import, nor forgotten by conditions', async () => {
    const marker = `door${randomUUID().slice(0, 8)}`
    const [victim, attacker] = [
      await system.token('victim-doors', REMEMBERING),
      await system.token('attacker-doors', REMEMBERING),
    ]
    const content = JSON.stringify({ content: marker, session_id: marker, metadata: { marker } })
    const stored = await system.json('/v1/memories', victim, { method: 'POST', body: content })
    const path = `/v1/memories/${stored.body.memory.id}`
    const send = (to: string, who: string, method: string, body: object) =>
      system.json(to, who, { method, body: JSON.stringify(body) })

    expect((await send(path, attacker, 'PATCH', { content: 'mine' })).status).toBe(404)
    expect((await system.call(`${path}/history`, attacker)).status).toBe(404)
    const found = await send('/v1/memories/query', attacker, 'POST', {
      where: { marker },
      include_superseded: true,
    })
    expect(found).toMatchObject({ status: 200, body: { total: 0 } })
    for (const condition of [
      { session_id: marker },
      { where: { marker } },
      { ids: [stored.body.memory.id] },
    ]) {
      const forgotten = await send('/v1/memories/forget', attacker, 'POST', condition)
      expect(forgotten).toMatchObject({ status: 200, body: { forgotten: 0 } })
    }
    expect(await (await system.call('/v1/memories/export', attacker)).text()).not.toContain(marker)

    // What it may have of the victim's it hands back as its own: the place is taken, and stays the victim's.
    const lines = await (await system.call('/v1/memories/export', victim)).text()
    expect(lines).toContain(marker)
    const imported = await system.json('/v1/memories/import', attacker, {
      method: 'POST',
      body: lines.replaceAll(marker, 'planted'),
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(imported.body).toMatchObject({ imported: 0 })
    const kept = await system.json(path, victim)
    expect(kept).toMatchObject({ status: 200, body: { memory: { content: marker, version: 1 } } })

    for (const others of [
      '',
      '/stats',
      '/query',
      `/${stored.body.memory.id}`,
      `/${stored.body.memory.id}/history`,
    ]) {
      const method = others === '/query' ? { method: 'POST', body: '{}' } : {}
      expect((await system.json(`/v1/others/memories${others}`, attacker, method)).status).toBe(403)
    }
    expect((await send(`/v1/others${path.slice(3)}`, attacker, 'PATCH', { content: 'x' })).status).toBe(403)
  })
})

function memoryOf(data: Record<string, unknown> | undefined): { id: string } {
  return data?.['memory'] as { id: string }
}

function texts(messages: readonly { payload: Uint8Array }[]): string {
  return messages.map(({ payload }) => Buffer.from(payload).toString('utf8')).join('\n')
}
