import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope, type Peer } from './peer.js'
import { ASKING, AttackedSystem, VERSIONS, type Version } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const HARMFUL = { action: 'kill the neighbour' }
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

/** May read what is asked, as somebody who watches the system does, and ask itself. */
function watcher(version: Version): Promise<Peer> {
  return system.peer('attacker', [...ASKING, 'subscribe:jamey/conscience/#'], version)
}

describe.each(VERSIONS)('over MQTT %i, a request that somebody may read', (version) => {
  it('cannot be replaced by a harmless one whose verdict the victim takes for its own', async () => {
    const attacker = await watcher(version)
    await attacker.hear('jamey/conscience/evaluate/#')
    const victim = await system.peer('victim', ASKING, version)
    const correlationId = randomUUID()
    const verdict = victim.ask(EVALUATE, 'evaluate', HARMFUL, { correlationId })
    const claims = { clientId: victim.clientId, correlationId, replyTo: victim.inbox('conscience') }
    for (let i = 0; i < 4; i++) {
      const payload = envelope('', EVALUATE, 'evaluate', { action: 'water the plants' }, claims)
      await attacker.say(EVALUATE, payload, { correlationData: Buffer.from(correlationId) })
    }
    expect((await verdict).data).toMatchObject({ approved: false, action: HARMFUL.action })
    expect(await victim.answersAfterAWhile(correlationId)).toHaveLength(1)
  })

  it('cannot be sent again by another, bytes and all, while it lives or later', async () => {
    const attacker = await watcher(version)
    await attacker.hear('jamey/conscience/evaluate/#')
    const victim = await system.peer('victim', ASKING, version)
    const correlationId = randomUUID()
    await victim.ask(EVALUATE, 'evaluate', HARMFUL, { correlationId })
    const recorded = await attacker.copyOf(correlationId)
    await attacker.say(EVALUATE, recorded, { correlationData: Buffer.from(correlationId) })
    await attacker.say(EVALUATE, recorded, {
      correlationData: Buffer.from(correlationId),
      messageExpiryInterval: 3600,
    })
    expect(await victim.answersAfterAWhile(correlationId)).toHaveLength(1)
  })

  it('is carried out once, and answered alike, when its own sender repeats it', async () => {
    const victim = await system.peer('victim', ASKING, version)
    const claims = { correlationId: randomUUID(), messageId: randomUUID() }
    await victim.ask(EVALUATE, 'evaluate', HARMFUL, claims)
    await victim.ask(EVALUATE, 'evaluate', HARMFUL, claims)
    const [first, second] = await victim.answersAfterAWhile(claims.correlationId)
    expect(second?.data?.['evaluation_id']).toBe(first?.data?.['evaluation_id'])
  })
})
