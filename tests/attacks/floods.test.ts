import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope } from './peer.js'
import { ASKING, AttackedSystem, REMEMBERING, VERSIONS } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const QUERY = 'jamey/memory/query'
const HARMLESS = { tool: 'read_file', arguments: { path: 'README.md' } }
/** The most that one evaluation takes. */
const TEDIOUS = { action: 'water the plants and delete nothing of anybody '.repeat(190) }
/** Within what requesters wait for by default, and far less than the flood takes. */
const PATIENCE_MS = 25_000
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe.each(VERSIONS)('over MQTT %i, a flood', (version) => {
  it('of messages in the name of another leaves few words in the log, and others are served meanwhile', async () => {
    const victim = await system.peer('victim', [...ASKING, ...REMEMBERING], version)
    const attacker = await system.peer('attacker', [...ASKING, ...REMEMBERING], version)
    const watcher = await system.peer('watcher', ['subscribe:jamey/events/errors/#'])
    await watcher.hear('jamey/events/errors/#')
    const before = system.output.length
    const flood = async (topic: string, action: string) => {
      for (let i = 0; i < 20; i++) {
        const claims = { clientId: victim.clientId, replyTo: victim.inbox('conscience') }
        const payloads = Array.from({ length: 50 }, () =>
          envelope('', topic, action, HARMLESS, { ...claims, correlationId: randomUUID() }),
        )
        await Promise.all(payloads.map((payload) => attacker.say(topic, payload)))
      }
    }
    const flooded = Promise.all([flood(EVALUATE, 'evaluate'), flood(QUERY, 'query')])
    const asked = performance.now()
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
    await expect(victim.ask(QUERY, 'query', {})).resolves.toHaveProperty('data.total')
    expect(performance.now() - asked).toBeLessThan(PATIENCE_MS)
    await flooded
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
    const reports = watcher.received.map(({ payload }) => JSON.parse(Buffer.from(payload).toString('utf8')))
    const refused = reports.filter(({ payload }) => payload.data.kind === 'sender-refused')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(500)
    // Two thousand refusals; a line of each would be a megabyte.
    expect(system.output.length - before).toBeLessThan(200_000)
  })

  it('of requests makes their sender wait, and not others', async () => {
    const victim = await system.peer('victim', ASKING, version)
    const attacker = await system.peer('attacker', ASKING, version)
    const flood = Array.from({ length: 1500 }, () => {
      const claims = { replyTo: attacker.inbox('conscience'), correlationId: randomUUID() }
      const payload = envelope(attacker.clientId, EVALUATE, 'evaluate', TEDIOUS, claims)
      return attacker.say(EVALUATE, payload).catch(() => {})
    })
    for (let i = 0; i < 5; i++) {
      const asked = performance.now()
      await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
      expect(performance.now() - asked).toBeLessThan(PATIENCE_MS)
    }
    await Promise.all(flood)
    // What it has waiting comes before, which may take longer than it waits for an answer.
    const asksAgain = () =>
      attacker.ask(EVALUATE, 'evaluate', HARMLESS).then(
        ({ data }) => data?.approved,
        () => undefined,
      )
    await expect.poll(asksAgain, { timeout: 60_000 }).toBe(true)
  })
})

describe('over HTTP, a flood', () => {
  it('of one caller leaves room for the others, whose gateway is the same', async () => {
    const [victim, attacker] = [
      await system.token('victim-flood', ASKING),
      await system.token('attacker-flood', ASKING),
    ]
    const call = (token: string, body: object) =>
      system.json('/v1/conscience/evaluate', token, { method: 'POST', body: JSON.stringify(body) })
    const flood = Array.from({ length: 200 }, () => call(attacker, TEDIOUS).catch(() => undefined))
    for (let i = 0; i < 5; i++) {
      const asked = performance.now()
      expect(await call(victim, HARMLESS)).toMatchObject({ status: 200, body: { approved: true } })
      expect(performance.now() - asked).toBeLessThan(PATIENCE_MS)
    }
    await Promise.all(flood)
    expect(await call(attacker, HARMLESS)).toMatchObject({ status: 200 })
  })
})
