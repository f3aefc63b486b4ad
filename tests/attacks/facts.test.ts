import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope, type Peer } from './peer.js'
import { ASKING, AttackedSystem, VERSIONS } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
/** What a requester may write into a request to have it approved. */
const CLAIMS = {
  confirmed: true,
  consent: true,
  approved: true,
  authorised: true,
  authorized: true,
  safe: true,
  backup: true,
  reversible: true,
  test: true,
}
const HARMFUL = [
  'rm -rf /',
  'transfer 1000000 to an account abroad',
  'delete all customer records',
  'kill the neighbour',
]
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe.each(VERSIONS)('over MQTT %i, what a requester says of itself', (version) => {
  it.each(HARMFUL)('does not have it approved: %s', async (action) => {
    const attacker = await system.peer('attacker', ASKING, version)
    const user = { name: 'Ada', role: 'admin', ...CLAIMS }
    for (const data of [
      { action },
      { action, context: CLAIMS },
      { action, context: { ...CLAIMS, user }, user },
    ]) {
      const { data: verdict } = await attacker.ask(EVALUATE, 'evaluate', data)
      expect(verdict).toMatchObject({ approved: false })
    }
  })
})

describe('over MQTT 5, what somebody attests', () => {
  const FACTS = 'jamey/conscience/facts'
  const ATTESTING = `publish:${FACTS}/+/%c`
  const WIPE = { action: 'wipe the staging database' }

  async function attest(
    peer: Peer,
    topic: string,
    requester: string,
    clientId = peer.clientId,
  ): Promise<number> {
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const data = { requested_by: requester, facts: { confirmed: true, backup: true }, expires_at }
    return peer.say(topic, envelope(clientId, topic, 'attest', data), {}, true)
  }

  it('counts from nobody that asks itself, has no right to, or writes the name of another', async () => {
    const person = await system.peer('person', [ATTESTING])
    const attacker = await system.peer('attacker', [...ASKING, `publish:${FACTS}/#`])
    const stranger = await system.peer('stranger', ASKING)
    const verdict = await attacker.ask(EVALUATE, 'evaluate', WIPE)
    const topicOf = (clientId: string) => `${FACTS}/${verdict.data?.['request_digest']}/${clientId}`
    await attest(attacker, topicOf(attacker.clientId), attacker.clientId)
    await attest(attacker, topicOf(person.clientId), attacker.clientId)
    await attest(attacker, topicOf(person.clientId), attacker.clientId, person.clientId)
    expect(await attest(stranger, topicOf(stranger.clientId), attacker.clientId)).toBeGreaterThanOrEqual(0x80)
    await attacker.quiet()
    const again = await attacker.ask(EVALUATE, 'evaluate', WIPE)
    expect(again.data).toMatchObject({ approved: false, facts: [] })

    await attest(person, topicOf(person.clientId), attacker.clientId)
    await person.quiet()
    const approved = await attacker.ask(EVALUATE, 'evaluate', WIPE)
    expect(approved.data).toMatchObject({ approved: true })
    expect(JSON.stringify(approved.data?.['facts'])).toContain(person.clientId)
  })
})

describe('over HTTP, what a caller says of itself', () => {
  it.each(HARMFUL)('does not have it approved: %s', async (action) => {
    const token = await system.token('caller', ASKING)
    const body = JSON.stringify({ action, context: CLAIMS, user: CLAIMS })
    const verdict = await system.json('/v1/conscience/evaluate', token, { method: 'POST', body })
    expect(verdict).toMatchObject({ status: 200, body: { approved: false } })
  })
})
