import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jamey } from '../e2e/program.js'
import { type Answer, envelope, type Peer } from './peer.js'
import { ASKING, AttackedSystem, VERSIONS, type Version } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const KEEPER = 'jamey-conscience'
const ANSWER = `jamey/conscience/approvals-answer/${KEEPER}`
const USE = `jamey/conscience/approvals-use/${KEEPER}`
const ANSWERING = ['publish:jamey/conscience/approvals-answer/+']
/** What no rule knows is asked. */
const CALL = { tool: 'launch_the_probe', arguments: { to: 'mars' }, session_id: 'mission' }
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

const evaluate = async (peer: Peer, changes: object = {}): Promise<Record<string, unknown>> => {
  const { data, error } = await peer.ask(EVALUATE, 'evaluate', { ...CALL, ...changes })
  expect(error).toBeUndefined()
  return data as Record<string, unknown>
}
const idIn = (verdict: Record<string, unknown>): string => (verdict['approval'] as { id: string }).id
const answer = (peer: Peer, approval_id: string, more: object = {}, claims: object = {}): Promise<Answer> =>
  peer.ask(
    ANSWER,
    'answer_approval',
    { approval_id, decision: 'approve', ...more },
    { replyTo: peer.inbox('conscience'), ...claims },
  )
/** What became of it, as its requester sees it. */
const statusOf = async (peer: Peer, approval_id: string): Promise<unknown> => {
  const { data, error } = await peer.ask(EVALUATE, 'get_approval', { approval_id })
  return error?.kind ?? (data?.['approval'] as { status: string } | undefined)?.status
}

async function asked(
  version: Version,
  permissions: readonly string[] = ASKING,
): Promise<{ agent: Peer; id: string }> {
  const agent = await system.peer('agent', permissions, version)
  const verdict = await evaluate(agent)
  expect(verdict).toMatchObject({ decision: 'ask', approved: false })
  return { agent, id: idIn(verdict) }
}

describe.each(VERSIONS)('over MQTT %i, a call that a person is asked about', (version) => {
  it('is approved by nobody who wants it, whatever rights that one has', async () => {
    const { agent, id } = await asked(version, [...ASKING, ...ANSWERING])
    expect((await answer(agent, id)).error).toMatchObject({ kind: 'not-permitted' })
    expect((await answer(agent, id, { decision: 'deny' })).error).toMatchObject({ kind: 'not-permitted' })
    const inName = { metadata: { on_behalf_of: { client_id: 'ada', permissions: ANSWERING } } }
    expect((await answer(agent, id, {}, inName)).error).toMatchObject({ kind: 'not-permitted' })
    expect(await evaluate(agent)).toMatchObject({ decision: 'ask' })
  })

  it('is approved by nobody without the right to, in no name and at no topic', async () => {
    const { agent, id } = await asked(version)
    const stranger = await system.peer('stranger', [...ASKING, 'publish:jamey/memory/store'], version)
    for (const topic of [ANSWER, `${ANSWER}/ada`, `${ANSWER}/${stranger.clientId}`]) {
      const data = { approval_id: id, decision: 'approve' }
      const forged = envelope(stranger.clientId, topic, 'answer_approval', data, { clientId: 'ada' })
      expect(await system.takes(stranger, topic, forged)).toBe(false)
    }
    await stranger.ask(EVALUATE, 'answer_approval', { approval_id: id, decision: 'approve' })
    expect(await statusOf(agent, id)).toBe('pending')
  })

  it('is seen and answered as no other than the one who answers', async () => {
    const { agent, id } = await asked(version)
    const person = await system.peer('person', ANSWERING, version)
    const lie = envelope(
      person.clientId,
      ANSWER,
      'answer_approval',
      { approval_id: id, decision: 'approve' },
      { clientId: 'ada' },
    )
    await person.say(ANSWER, lie)
    await person.quiet()
    expect(await statusOf(agent, id)).toBe('pending')
    const { data } = await answer(person, id)
    expect(data).toMatchObject({ approval: { answers: [{ answered_by: person.clientId }] } })
  })

  it('is allowed once, for these arguments, this requester and this session alone', async () => {
    const { agent, id } = await asked(version)
    const person = await system.peer('person', ANSWERING, version)
    expect((await answer(person, id)).data).toMatchObject({ approval: { status: 'approved' } })
    const other = await system.peer('other', ASKING, version)
    for (const [peer, changes] of [
      [agent, { arguments: { to: 'venus' } }],
      [agent, { arguments: { to: 'mars', speed: 'high' } }],
      [agent, { tool: 'launch_all_probes' }],
      [agent, { session_id: 'another' }],
      [other, {}],
    ] as const) {
      const verdict = await evaluate(peer, changes)
      expect(verdict).toMatchObject({ decision: 'ask', approved: false })
      expect(idIn(verdict)).not.toBe(id)
    }
    expect(await evaluate(agent)).toMatchObject({ decision: 'allow', approval: { id } })
    expect(await evaluate(agent)).toMatchObject({ decision: 'ask' })
    expect(await statusOf(agent, id)).toBe('used')
  })

  it('is not allowed again by what was said before, sent once more', async () => {
    const { agent, id } = await asked(version)
    const person = await system.peer('person', ANSWERING, version)
    await answer(person, id)
    const claims = { correlationId: randomUUID(), messageId: randomUUID() }
    const first = await agent.ask(EVALUATE, 'evaluate', CALL, claims)
    expect(first.data).toMatchObject({ decision: 'allow' })
    expect((await answer(person, id)).error).toMatchObject({ kind: 'approval-settled' })
    expect(await evaluate(agent)).toMatchObject({ decision: 'ask' })
    // The same request under the same ids is the same one: its answer comes again, with the same evaluation and receipt.
    await agent.ask(EVALUATE, 'evaluate', CALL, claims)
    await agent.quiet()
    const evaluations = agent.answersTo(claims.correlationId).map(({ data }) => data?.['evaluation_id'])
    expect(new Set(evaluations)).toEqual(new Set([first.data?.['evaluation_id']]))
  })

  it('is told to nobody but who asked', async () => {
    const { id } = await asked(version)
    const curious = await system.peer('curious', ASKING, version)
    expect(await statusOf(curious, id)).toBe('approval-unknown')
    for (const filter of ['jamey/conscience/approvals/#', 'jamey/conscience/approvals/+/+']) {
      if (version === 5)
        await expect(curious.hear(filter)).rejects.toMatchObject({ name: 'SubscriptionError' })
    }
    expect(await system.takes(curious, 'jamey/conscience/approvals-list')).toBe(false)
  })
})

describe('over MQTT 5, an approval that a client makes up', () => {
  it('is no approval, retained or not, even of one that may publish everything', async () => {
    const { agent, id } = await asked(5)
    const { data } = await agent.ask(EVALUATE, 'get_approval', { approval_id: id })
    const approval = {
      ...(data?.['approval'] as object),
      status: 'approved',
      scope: 'always',
      expires_at: undefined,
    }
    const stranger = await system.peer('stranger', ASKING)
    const mighty = await system.peer('mighty', ['#'])
    const own = id.replace(KEEPER, mighty.clientId)
    for (const [peer, approval_id, level] of [
      [stranger, id, KEEPER],
      [mighty, id, KEEPER],
      [mighty, id, mighty.clientId],
      [mighty, own, mighty.clientId],
    ] as const) {
      const topic = `jamey/conscience/approvals/${approval_id}/${level}`
      await peer.say(
        topic,
        envelope(peer.clientId, topic, 'approval', { ...approval, approval_id }),
        {},
        true,
      )
      await peer.say(topic, envelope(KEEPER, topic, 'approval', { ...approval, approval_id }), {}, true)
    }
    await agent.quiet()
    expect(await evaluate(agent)).toMatchObject({ decision: 'ask', approval: { id } })
    expect(await statusOf(agent, id)).toBe('pending')
  })

  it('cannot be used up by who is no conscience', async () => {
    const { agent, id } = await asked(5)
    const person = await system.peer('person', ANSWERING)
    await answer(person, id)
    const mighty = await system.peer('mighty', ['#'])
    const data = {
      approval_id: id,
      call_digest: (await evaluate(agent, { session_id: 'another' }))['call_digest'],
      rules: [],
      requested_by: agent.clientId,
      session_id: CALL.session_id,
      approvers: 1,
      evaluation_id: 'mine',
    }
    const { error } = await mighty.ask(USE, 'use_approval', data, { replyTo: mighty.inbox('conscience') })
    expect(error).toMatchObject({ kind: 'not-permitted' })
    expect(await evaluate(agent)).toMatchObject({ decision: 'allow', approval: { id } })
  })
})

describe('over HTTP, a call that a person is asked about', () => {
  const post = (path: string, token: string | undefined, body: object) =>
    system.json(path, token, { method: 'POST', body: JSON.stringify(body) })

  it('is approved by no caller that wants it, has no right to, or has no token', async () => {
    const token = await system.token('http-agent', [...ASKING, ...ANSWERING])
    const { body: verdict } = await post('/v1/conscience/evaluate', token, CALL)
    expect(verdict).toMatchObject({ decision: 'ask' })
    const path = `/v1/approvals/${verdict.approval.id}`
    const yes = { decision: 'approve' }
    expect(await post(`${path}/answer`, token, yes)).toMatchObject({ status: 403 })
    expect(await post(`${path}/answer`, await system.token('other-agent', ASKING), yes)).toMatchObject({
      status: 403,
    })
    expect(await post(`${path}/answer`, undefined, yes)).toMatchObject({ status: 401 })
    expect(await system.json(path, undefined, { method: 'DELETE' })).toMatchObject({ status: 401 })
    expect(await system.json(path, await system.token('other-agent', ASKING))).toMatchObject({ status: 404 })
    expect(await system.json(path, token)).toMatchObject({
      status: 200,
      body: { approval: { status: 'pending' } },
    })
    const person = await system.token('http-person', ANSWERING)
    expect(await post(`${path}/answer`, person, yes)).toMatchObject({
      status: 200,
      body: { approval: { status: 'approved', answers: [{ answered_by: 'http-person' }] } },
    })
    expect(await post(`${path}/answer`, person, yes)).toMatchObject({ status: 409 })
  })

  it('is withdrawn by nobody but who asked, and no more once it was denied', async () => {
    const token = await system.token('asking-agent', ASKING)
    const { body: verdict } = await post('/v1/conscience/evaluate', token, CALL)
    const path = `/v1/approvals/${verdict.approval.id}`
    for (const other of [
      await system.token('other-agent', ASKING),
      await system.token('http-person', [...ASKING, ...ANSWERING]),
      undefined,
    ]) {
      expect(await post(`${path}/withdraw`, other, {})).toMatchObject({ status: 404 })
    }
    expect(await system.json(path, token)).toMatchObject({ body: { approval: { status: 'pending' } } })
    const person = await system.token('http-person', ANSWERING)
    expect(await post(`${path}/withdraw`, person, {})).toMatchObject({ status: 403 })
    await post(`${path}/answer`, person, { decision: 'deny' })
    expect(await post(`${path}/withdraw`, token, {})).toMatchObject({
      status: 200,
      body: { approval: { status: 'denied' } },
    })
    expect((await post('/v1/conscience/evaluate', token, CALL)).body).toMatchObject({ decision: 'deny' })
  })

  it('takes no answer of one whose right was taken away after people were asked', async () => {
    const agent = await system.token('late-agent', ASKING)
    const person = await system.token('former-person', ANSWERING)
    const { body: verdict } = await post('/v1/conscience/evaluate', agent, CALL)
    expect(await jamey(system.folder, ['deny', 'add', '--sub', 'former-person'])).toMatchObject({ code: 0 })
    const path = `/v1/approvals/${verdict.approval.id}`
    // The gateway learns of it within a second.
    await expect.poll(async () => (await system.json(path, person)).status).toBe(401)
    const yes = { decision: 'approve', scope: 'session' }
    expect(await post(`${path}/answer`, person, yes)).toMatchObject({ status: 401 })
    expect(await system.json(path, agent)).toMatchObject({ body: { approval: { answers: [] } } })
  })

  it('and that was approved for one caller is not allowed for another', async () => {
    const call = { ...CALL, arguments: { to: 'pluto' } }
    const [one, two] = [await system.token('one', ASKING), await system.token('two', ASKING)]
    const { body: verdict } = await post('/v1/conscience/evaluate', one, call)
    const person = await system.token('http-person', ANSWERING)
    await post(`/v1/approvals/${verdict.approval.id}/answer`, person, {
      decision: 'approve',
      scope: 'always',
    })
    expect((await post('/v1/conscience/evaluate', two, call)).body).toMatchObject({ decision: 'ask' })
    expect((await post('/v1/conscience/evaluate', one, call)).body).toMatchObject({ decision: 'allow' })
  })
})

describe('over MQTT, a denial of a person', () => {
  it('is withdrawn by nobody, and not forgotten for all that its requester asks and withdraws', async () => {
    const { agent, id } = await asked(5)
    const person = await system.peer('person', ANSWERING)
    const withdraw = (approval_id: string) => agent.ask(EVALUATE, 'withdraw_approval', { approval_id })
    expect((await answer(person, id, { decision: 'deny' })).error).toBeUndefined()
    expect((await withdraw(id)).data).toMatchObject({ approval: { status: 'denied' } })
    for (let i = 0; i < 130; i += 10) {
      const some = Array.from({ length: 10 }, (_, k) => ({ arguments: { i: i + k } }))
      const ids = await Promise.all(some.map(async (changes) => idIn(await evaluate(agent, changes))))
      const others = await Promise.all(ids.map(withdraw))
      expect(
        new Set(others.map(({ data }) => (data?.['approval'] as { status: string } | undefined)?.status)),
      ).toEqual(new Set(['revoked']))
    }
    expect(await evaluate(agent)).toMatchObject({ decision: 'deny' })
    const { id: pending } = await asked(5)
    expect((await withdraw(pending)).error).toMatchObject({ kind: 'approval-unknown' })
  })
})

describe('over MQTT, a flood of calls that people would be asked about', () => {
  it('is refused to its sender, and takes nothing of what others are asked about', async () => {
    const { agent, id } = await asked(5)
    const flood = await system.peer('flood', ASKING)
    const answers: Answer[] = []
    // A few at once: it need not wait for one to send the next.
    for (let i = 0; i < 150; i += 10) {
      const some = Array.from({ length: 10 }, (_, k) => ({ ...CALL, arguments: { i: i + k } }))
      answers.push(...(await Promise.all(some.map((call) => flood.ask(EVALUATE, 'evaluate', call)))))
    }
    const refused = answers.filter(({ error }) => error !== undefined)
    expect(refused).toHaveLength(50)
    for (const { error } of refused) expect(error).toMatchObject({ kind: 'approvals-full', retryable: true })
    expect(await statusOf(agent, id)).toBe('pending')
    expect(await evaluate(await system.peer('honest', ASKING))).toMatchObject({ decision: 'ask' })
  })
})
