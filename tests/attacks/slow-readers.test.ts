import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MuteClient } from './mute-client.js'
import { envelope } from './peer.js'
import { AttackedSystem, REMEMBERING, VERSIONS } from './system.js'

const STORE = 'jamey/memory/store'
const QUERY = 'jamey/memory/query'
/** As many as one page has, each about as long as one may be. */
const MEMORIES = 100
const LONG = 'tale '.repeat(19_800)
const QUESTIONS = 40
/** Less than the ten seconds for which a broker waits for a subscriber that takes nothing. */
const PATIENCE_MS = 9000
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe.each(VERSIONS)('over MQTT %i, who asks for much and reads nothing of it', (version) => {
  it('keeps no service from answering others', async () => {
    const victim = await system.peer('victim', REMEMBERING, version)
    const attacker = await system.peer('attacker', REMEMBERING, version)
    for (let i = 0; i < MEMORIES; i++) await attacker.ask(STORE, 'store', { content: `${i} ${LONG}` })
    await attacker.leave()
    const mute = await MuteClient.connect(system, attacker.clientId, REMEMBERING, version)
    for (let i = 0; i < QUESTIONS; i++) {
      const claims = { replyTo: attacker.inbox('memory'), correlationId: randomUUID() }
      mute.say(QUERY, envelope(attacker.clientId, QUERY, 'query', { limit: MEMORIES }, claims))
    }
    for (let i = 0; i < 10; i++) {
      const asked = performance.now()
      await expect(victim.ask(STORE, 'store', { content: `note ${i}` })).resolves.toHaveProperty(
        'data.created',
      )
      await expect(victim.ask(QUERY, 'query', {})).resolves.toHaveProperty('data.total', i + 1)
      expect(performance.now() - asked).toBeLessThan(PATIENCE_MS)
    }
    // Whoever reads again is answered again.
    const again = await system.peerNamed(attacker.clientId, REMEMBERING, version)
    await expect(again.ask(QUERY, 'query', { limit: 1 })).resolves.toHaveProperty('data.total', MEMORIES)
  })
})
