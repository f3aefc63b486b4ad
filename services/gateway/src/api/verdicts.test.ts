import { signToken } from '@jamey/auth'
import { atConscience, topics } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, type RunningFixture, SECRET, startGateway, VERDICT } from '../service/gateway.support.js'

const { verdicts } = topics.conscience

describe('the verdicts of an audit over HTTP', () => {
  let running: RunningFixture
  const listed = { verdicts: [{ recorded_at: '2026-11-14T20:00:00.000Z', verdict: VERDICT }] }
  const ask = async (query: string, ...permissions: string[]) =>
    call(`${running.url}/v1/verdicts${query}`, {
      headers: { authorization: `Bearer ${await signToken({ sub: 'ada', permissions }, SECRET)}` },
    })

  beforeAll(async () => {
    running = await startGateway({ tokenSecret: SECRET })
    for (const conscience of ['jamey-conscience', 'conscience-2'])
      running.bus.answer(atConscience(verdicts, conscience), () => listed)
  })
  afterAll(() => running.gateway.stop())

  it('are those of the conscience that is named, by what narrows them', async () => {
    const any = 'publish:jamey/conscience/verdicts-list/+'
    const answer = await ask('?decision=deny&tool=Bash&limit=5', any)
    expect([answer.status, answer.body]).toEqual([200, listed])
    expect(running.bus.requests.at(-1)).toMatchObject({
      topic: 'jamey/conscience/verdicts-list/jamey-conscience',
      data: { conscience: 'jamey-conscience', decision: 'deny', tool: 'Bash', limit: 5 },
      options: { onBehalfOf: { clientId: 'ada' } },
    })
    expect((await ask('?conscience=conscience-2', any)).status).toBe(200)
    expect(running.bus.requests.at(-1)).toMatchObject({
      topic: 'jamey/conscience/verdicts-list/conscience-2',
    })
  })

  it('are for whoever may ask that conscience', async () => {
    const one = 'publish:jamey/conscience/verdicts-list/conscience-2'
    expect((await ask('?conscience=conscience-2', one)).status).toBe(200)
    expect((await ask('', one)).body).toMatchObject({
      status: 403,
      permission: 'publish:jamey/conscience/verdicts-list/jamey-conscience',
    })
    for (const other of ['publish:jamey/conscience/evaluate', 'subscribe:jamey/conscience/#']) {
      expect((await ask('', other)).status).toBe(403)
    }
  })

  it.each(['%2B', 'a%2Fb', '%23', 'x&conscience=y', ''])('are not asked of %j', async (name) => {
    const before = running.bus.requests.length
    const { status } = await ask(`?conscience=${name}`, 'publish:jamey/#')
    // An empty parameter is as none.
    expect(status).toBe(name === '' ? 200 : 400)
    expect(running.bus.requests.length - before > 0).toBe(name === '')
  })
})
