import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
    const honest = await attacker.ask(EVALUATE, 'evaluate', { action: 'water the plants', context: CLAIMS })
    expect(honest.data).toMatchObject({ approved: true })
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
