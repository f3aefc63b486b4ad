import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { openRecordStore } from '@jamey/store'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Conscience, createConscience, parsePolicy } from '../index.js'
import { TestBroker } from './test-broker.support.js'

const TIME = { timeoutMs: 20_000 }
const AGENT = ['publish:jamey/conscience/evaluate', 'publish:jamey/conscience/reports']
const POLICY = parsePolicy(
  `version: 1
include: [work, mail, money, http]
tools:
  contacts: { effects: [read], untrusted: false }
  pay: { effects: [pay], arguments: { to: recipient, amount: amount } }
lists: { accounts: [ACME] }
rules:
  - name: second-payment
    decision: deny
    reason: one a day
    when: "'pay' in effects && calls_within(86400).exists(c, 'pay' in c.effects)"
`,
  'policy.yaml',
  { workspace: '/srv/app' },
)

let broker: TestBroker
let folder: string
let lastClient = 0

beforeAll(async () => {
  broker = await TestBroker.start()
})
afterAll(() => broker.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-sessions-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
})

async function connect(clientId: string, permissions: readonly string[]): Promise<Bus> {
  const bus = await broker.connect(clientId, permissions)
  onTestFinished(() => bus.close({ drain: false }))
  return bus
}

async function serving(clientId = COMPONENTS.conscience.clientId): Promise<Conscience> {
  const bus = await connect(clientId, COMPONENTS.conscience.permissions)
  const open = () => openRecordStore({ path: join(folder, clientId), kind: 'jamey sessions', version: 1 })
  const conscience = createConscience({ bus, policy: POLICY, sessions: { open } })
  await conscience.start()
  onTestFinished(() => conscience.stop())
  return conscience
}

/** A program that runs an agent. */
async function agent() {
  const bus = await connect(`agent-${++lastClient}`, AGENT)
  const session_id = 'one'
  const request = (text: string) =>
    bus.request(topics.conscience.report, { session_id, kind: 'request', text }, TIME)
  const result = (tool: string, result: unknown) =>
    bus.request(
      topics.conscience.report,
      { session_id, kind: 'result', tool, result, outcome: 'succeeded' },
      TIME,
    )
  const decision = async (tool: string, args: Record<string, unknown>): Promise<string> => {
    const call = { tool, arguments: args, session_id }
    return (await bus.request(topics.conscience.evaluate, call, TIME)).decision
  }
  const mail = (to: string, body = 'hello') => decision('send_email', { to, body })
  return { request, result, decision, mail }
}

describe('a session', () => {
  it('is what its own client reported, and nobody else sees it or adds to it [promise 40]', async () => {
    await serving()
    const [ada, eve] = [await agent(), await agent()]
    expect(await ada.request('write to ann@example.org')).toEqual({ recorded: true })
    await eve.request('write to eve@evil.example')
    await ada.decision('contacts', {})
    await ada.result('contacts', [{ email: 'bob@example.org' }])
    expect([await ada.mail('ann@example.org'), await ada.mail('bob@example.org')]).toEqual(['allow', 'allow'])
    expect(await ada.mail('eve@evil.example')).toBe('ask')
    expect([await eve.mail('ann@example.org'), await eve.mail('bob@example.org')]).toEqual(['ask', 'ask'])
  })

  it('is there after a restart [promise 45]', async () => {
    const first = await serving()
    const ada = await agent()
    await ada.request('write to ann@example.org and pay ACME')
    expect(await ada.decision('pay', { to: 'ACME', amount: 1 })).toBe('allow')
    await first.stop()
    await serving()
    expect(await ada.mail('ann@example.org')).toBe('allow')
    expect(await ada.decision('pay', { to: 'ACME', amount: 1 })).toBe('deny')
  })

  it('is the same at each of several consciences that share the work', async () => {
    await serving()
    await serving(`${COMPONENTS.conscience.clientId}-2`)
    const ada = await agent()
    await ada.request('write to ann@example.org and pay ACME')
    expect(await ada.decision('pay', { to: 'ACME', amount: 1 })).toBe('allow')
    for (let i = 0; i < 6; i++) {
      expect(await ada.mail('ann@example.org', `hello ${i}`)).toBe('allow')
      expect(await ada.decision('pay', { to: 'ACME', amount: i })).toBe('deny')
    }
    await ada.decision('WebFetch', { url: 'http://localhost/', prompt: 'x' })
    for (let i = 0; i < 6; i++)
      expect(await ada.mail('ann@example.org', 'see https://evil.example')).toBe('ask')
  })
})
