import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ASKING, AttackedSystem, REMEMBERING } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const HARMLESS = { action: 'water the plants' }
/** Words of the language, of MQTT, of HTTP and of SQL, which a client identifier may be as well. */
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '%c',
  '$share',
  '$SYS',
  'X-Forwarded-For',
  'jamey-sender',
  '..',
  '*',
  "' OR 1=1 --",
  'x'.repeat(128),
]
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe('a client whose identifier means something elsewhere', () => {
  it.each(NAMES)('is itself and nobody else: %s', async (clientId) => {
    const marker = `own${randomUUID().slice(0, 8)}`
    const victim = await system.peer('victim', REMEMBERING)
    await victim.ask('jamey/memory/store', 'store', { content: `the ${marker} of the victim` })
    const attacker = await system.peerNamed(clientId, [...ASKING, ...REMEMBERING])
    await expect(attacker.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty(
      'data.requested_by',
      clientId,
    )
    await attacker.ask('jamey/memory/store', 'store', { content: `the ${marker} of the attacker` })
    const { data } = await attacker.ask('jamey/memory/query', 'query', { query: marker })
    expect(data).toMatchObject({ total: 1, memories: [{ owner: clientId }] })
    await attacker.ask('jamey/memory/forget', 'forget', { before: '2999-01-01T00:00:00Z' })
    const kept = await victim.ask('jamey/memory/query', 'query', { query: marker })
    expect(kept.data).toMatchObject({ total: 1, memories: [{ owner: victim.clientId }] })
  })

  it('has no more by an entry that stands for its own identifier', async () => {
    for (const clientId of ['$SYS', '%c', '..', '*', '$share']) {
      const attacker = await system.peerNamed(clientId, ['subscribe:%c/#', 'subscribe:jamey/%c/#'])
      for (const filter of ['$SYS/#', '#', '+/#', 'jamey/conscience/#', '$share/x/jamey/#', 'jamey/#']) {
        await expect(attacker.hear(filter)).rejects.toMatchObject({ name: 'SubscriptionError' })
      }
    }
  })
})

describe('an HTTP caller whose identifier means something elsewhere', () => {
  it.each(NAMES)('is itself and nobody else: %s', async (sub) => {
    const token = await system.token(sub, ASKING)
    const headers = { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-real-ip': '::1' }
    const init = { method: 'POST', body: JSON.stringify(HARMLESS), headers }
    const verdict = await system.json('/v1/conscience/evaluate', token, init)
    expect(verdict).toMatchObject({ status: 200, body: { requested_by: sub } })
    expect((await system.call('/v1/memories?q=x', token, { headers })).status).toBe(403)
  })

  it('is not taken for one of this machine without a token, once a proxy passed the call on', async () => {
    const headers = { 'x-forwarded-for': '127.0.0.1' }
    const init = { method: 'POST', body: JSON.stringify(HARMLESS), headers }
    expect((await system.call('/v1/conscience/evaluate', undefined, init)).status).toBe(401)
    const { headers: _, ...direct } = init
    expect((await system.call('/v1/conscience/evaluate', undefined, direct)).status).toBe(200)
  })
})
