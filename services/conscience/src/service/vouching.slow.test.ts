import { randomUUID } from 'node:crypto'
import type { Bus } from '@jamey/bus'
import { COMPONENTS, type ReceiptKeys, topics } from '@jamey/contracts'
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createConscience } from '../index.js'
import { TestBroker } from './test-broker.support.js'

const ASKING = ['publish:jamey/conscience/evaluate']
const ATTESTING = ['publish:jamey/conscience/facts/+/%c']
const TIME = { timeoutMs: 20_000 }
const WIPE = 'wipe the production database'

let broker: TestBroker

beforeAll(async () => {
  broker = await TestBroker.start()
})

afterAll(() => broker.close())

async function connect(name: string, permissions: readonly string[]): Promise<Bus> {
  const bus = await broker.connect(name, permissions)
  onTestFinished(() => bus.close({ drain: false }))
  return bus
}

const client = (name: string, permissions: readonly string[]) =>
  connect(`${name}-${randomUUID().slice(0, 8)}`, permissions)

beforeEach(async () => {
  const bus = await connect(COMPONENTS.conscience.clientId, COMPONENTS.conscience.permissions)
  const conscience = createConscience({ bus })
  await conscience.start()
  onTestFinished(() => conscience.stop())
})

interface Judged {
  readonly request_digest: string
  readonly requested_by: string
}

function attest(
  bus: Bus,
  { request_digest, requested_by }: Judged,
  facts: Record<string, boolean>,
  forMs = 60_000,
) {
  const expires_at = new Date(Date.now() + forMs).toISOString()
  const parameters = { request_digest }
  return bus.publish(
    topics.conscience.facts,
    { requested_by, facts, expires_at },
    { parameters, expirySeconds: 60 },
  )
}

describe('a fact', () => {
  const ask = (bus: Bus, action = WIPE) => bus.request(topics.conscience.evaluate, { action }, TIME)

  it('that somebody else attests counts for the very request, and the verdict tells who gave it [promise 42]', async () => {
    const agent = await client('agent', ASKING)
    const person = await client('person', ATTESTING)
    const refused = await ask(agent)
    expect(refused).toMatchObject({ approved: false, facts: [], requested_by: agent.clientId })
    await attest(person, refused, { confirmed: true, backup: true })
    const approved = await ask(agent)
    expect(approved).toMatchObject({ approved: true, request_digest: refused.request_digest })
    expect(approved.facts).toEqual([
      { name: 'confirmed', value: true, status: 'attested', given_by: person.clientId },
      { name: 'backup', value: true, status: 'attested', given_by: person.clientId },
    ])
    expect(await ask(agent, `${WIPE} of a customer`)).toMatchObject({ approved: false })
    expect(await ask(await client('other', ASKING))).toMatchObject({ approved: false, facts: [] })
  })

  it('that a requester attests itself does not count [promise 42]', async () => {
    const agent = await client('agent', [...ASKING, ...ATTESTING])
    await attest(agent, await ask(agent), { confirmed: true, backup: true })
    expect(await ask(agent)).toMatchObject({ approved: false, facts: [] })
  })

  it('counts for nobody any more once it is taken back', async () => {
    const agent = await client('agent', ASKING)
    const person = await client('person', ATTESTING)
    const judged = await ask(agent, 'delete all staging logs')
    await attest(person, judged, { confirmed: true, backup: true })
    const before = await ask(agent, 'delete all staging logs')
    expect(before.facts).toHaveLength(2)
    await attest(person, judged, {}, 0)
    expect(await ask(agent, 'delete all staging logs')).toMatchObject({ facts: [] })
  })

  it('can be attested in the name of nobody else', async () => {
    const person = await client('person', ATTESTING)
    const parameters = { request_digest: `sha256:${'a'.repeat(64)}`, client_id: 'somebody-else' }
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const said = person.publish(
      topics.conscience.facts,
      { requested_by: 'agent', facts: {}, expires_at },
      { parameters },
    )
    await expect(said).rejects.toMatchObject({ name: 'PermissionError' })
  })
})

describe('a receipt', () => {
  it('comes with a verdict where it is asked for, and is verified with the retained keys alone', async () => {
    const agent = await client('agent', ASKING)
    const reader = await client('reader', ['subscribe:jamey/conscience/keys/#'])
    const keys = new Promise<ReceiptKeys>((resolve) => {
      void reader.subscribe(topics.conscience.keys, ({ data }) => resolve(data))
    })
    const question = { tool: 'read_file', arguments: { path: 'README.md' }, receipt: true }
    const verdict = await agent.request(topics.conscience.evaluate, question, TIME)
    const jwks = createLocalJWKSet({ keys: (await keys).keys as JWK[] })
    const { payload } = await jwtVerify(verdict.receipt ?? '', jwks, {
      typ: 'jamey-receipt+jwt',
      algorithms: ['EdDSA'],
    })
    expect(payload).toMatchObject({
      iss: 'jamey-conscience',
      sub: agent.clientId,
      jti: verdict.evaluation_id,
      approved: true,
      request_digest: verdict.request_digest,
    })
  })

  it('is not in the announced verdict, for it is good for whoever has it', async () => {
    const agent = await client('agent', ASKING)
    const watcher = await client('watcher', ['subscribe:jamey/conscience/results/#'])
    const question = { action: 'water the plants', receipt: true }
    let tell: (announced: string) => void = () => {}
    const heard = new Promise<string>((resolve) => {
      tell = resolve
    })
    await watcher.subscribe(topics.conscience.results, ({ data }) => tell(JSON.stringify(data)))
    await agent.request(topics.conscience.evaluate, question, TIME)
    const announced = await heard
    expect(announced).toContain('water the plants')
    expect(announced).not.toContain('"receipt"')
  })
})

it('an action that has no canonical form is an invalid request', async () => {
  const agent = await client('agent', ASKING)
  const question = { action: 'water the plants', context: { note: '\ud800' } }
  const asked = agent.request(topics.conscience.evaluate, question, TIME)
  await expect(asked).rejects.toMatchObject({ name: 'MessageError' })
})
