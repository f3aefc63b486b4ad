import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, ConfigurationError } from '@jamey/bus'
import { callDigest } from '@jamey/calls'
import { atConscience, COMPONENTS, topics, type Verdict } from '@jamey/contracts'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readAudit } from '../audit/audit-reader.js'
import { type ConscienceOptions, createConscience, RuleFileError, runConscience } from '../index.js'
import { JudgeEndpoint, say } from '../verdict/judge.support.js'
import { SECRET, TestBroker } from './test-broker.support.js'

const TIME = { timeoutMs: 20_000 }
const READ = { tool: 'read_file', arguments: { path: 'README.md' } }

let folder: string
let broker: TestBroker
let bus: Bus
let asker: Bus
let endpoint: JudgeEndpoint
const cleanups: (() => Promise<void>)[] = []

async function connect(name: 'conscience' | 'operator'): Promise<Bus> {
  const { clientId, permissions } = COMPONENTS[name]
  return broker.connect(clientId, permissions, { name, version: '0.0.0' })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-conscience-'))
  broker = await TestBroker.start()
  writeFileSync(join(folder, 'ca.crt'), broker.ca)
  asker = await connect('operator')
})

afterAll(async () => {
  await asker.close()
  await broker.close()
  rmSync(folder, { recursive: true })
})

beforeEach(async () => {
  endpoint = await JudgeEndpoint.start()
  bus = await connect('conscience')
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await bus.close()
  await endpoint.stop()
})

async function started(options: Partial<ConscienceOptions> = {}) {
  const conscience = createConscience({ bus, ...options })
  cleanups.push(() => conscience.stop())
  await conscience.start()
  return conscience
}

async function collected<T>(
  contract: Parameters<Bus['subscribe']>[0],
): Promise<{ seen: T[]; next: () => Promise<T> }> {
  const seen: T[] = []
  const waiting: ((value: T) => void)[] = []
  const { unsubscribe } = await asker.subscribe(contract, ({ data: payload }) => {
    seen.push(payload as T)
    waiting.shift()?.(payload as T)
  })
  cleanups.push(unsubscribe)
  return { seen, next: () => new Promise((resolve) => waiting.push(resolve)) }
}

const evaluate = (action: string, context: Record<string, unknown> = {}) =>
  asker.request(topics.conscience.evaluate, { action, context }, TIME)

describe('a conscience on the bus', () => {
  it('answers with a verdict and publishes the same one', async () => {
    const results = await collected<Verdict>(topics.conscience.results)
    const published = results.next()
    await started()
    const verdict = await evaluate("delete the customer's records", { consent: false })
    expect(verdict).toMatchObject({
      action: "delete the customer's records",
      approved: false,
      decision: 'deny',
      recognised: true,
      judge: { status: 'not_configured' },
      requested_by: 'jamey-operator',
    })
    expect(await published).toEqual(verdict)
  })

  it('has recorded what was asked and what was decided before it answers', async () => {
    const auditFolder = join(mkdtempSync(join(folder, 'audited-')), 'audit')
    await started({ auditFolder })
    const call = { tool: 'Bash', arguments: { command: 'rm -rf /' }, session_id: 's' }
    const verdict = await asker.request(topics.conscience.evaluate, { ...call, receipt: true }, TIME)
    const records: unknown[] = []
    for await (const { read } of readAudit(auditFolder)) records.push(read?.record)
    expect(records).toHaveLength(2)
    const { receipt, kind, ...rest } = verdict
    expect(receipt).toMatch(/^ey/)
    expect(records[1]).toMatchObject({ ...call, ...rest, kind: 'verdict', judged: kind })
    expect(JSON.stringify(records[1])).not.toContain(receipt)
  })

  it('sends its server few announcements that nobody hears, and all of them once somebody does', async () => {
    await started({ announcesUnheard: false })
    const ask = () => asker.request(topics.conscience.evaluate, READ, TIME)
    await ask()
    const { published } = bus.stats()
    await Promise.all(Array.from({ length: 50 }, ask))
    // Beside the answers.
    expect(bus.stats().published - published - 50).toBeLessThan(50)
    const results = await collected<Verdict>(topics.conscience.results)
    const ids = (await Promise.all([ask(), ask(), ask()])).map(({ evaluation_id }) => evaluation_id)
    // Of those before, some may have waited to be told until now.
    await expect
      .poll(() => results.seen.map(({ evaluation_id }) => evaluation_id))
      .toEqual(expect.arrayContaining(ids))
  })

  it('lists what it recorded, the newest first, without what is for whoever asked', async () => {
    const auditFolder = join(mkdtempSync(join(folder, 'audited-')), 'audit')
    await started({ auditFolder })
    const list = atConscience(topics.conscience.verdicts, bus.clientId)
    const calls = ['Read', 'Bash'].map((tool) => ({ tool, arguments: { command: 'rm -rf /', path: 'a' } }))
    const given: Verdict[] = []
    for (const call of calls) given.unshift(await asker.request(topics.conscience.evaluate, call, TIME))
    const text = await evaluate('tell the truth')
    const newest = await asker.request(list, { conscience: bus.clientId, limit: 1 }, TIME)
    expect(newest.verdicts.map(({ verdict }) => verdict)).toEqual([text])
    const cursor = newest.next_cursor
    const older = await asker.request(list, { conscience: bus.clientId, cursor }, TIME)
    expect(older).toEqual({
      verdicts: given.map((verdict) => ({ recorded_at: expect.any(String), verdict })),
    })
    const narrowed = await asker.request(list, { conscience: bus.clientId, tool: 'Bash' }, TIME)
    expect(narrowed.verdicts).toHaveLength(1)
    const nonsense = asker.request(list, { conscience: bus.clientId, cursor: 'nonsense' }, TIME)
    await expect(nonsense).rejects.toThrow('cursor: must be next_cursor')
  })

  it('answers before its server has what it announces, and acknowledges the request after', async () => {
    let announced = (): void => {}
    const publish: Bus['publish'] = async (contract, ...rest) => {
      const published = await bus.publish(contract, ...rest)
      if (contract.topic === topics.conscience.results.topic)
        await new Promise<void>((resolve) => (announced = resolve))
      return published
    }
    const held = new Proxy(bus, {
      get: (of, name) => {
        if (name === 'publish') return publish
        const member: unknown = Reflect.get(of, name, of)
        return typeof member === 'function' ? member.bind(of) : member
      },
    })
    const conscience = createConscience({ bus: held })
    await conscience.start()
    const verdict = await asker.request(topics.conscience.evaluate, READ, TIME)
    expect(verdict.decision).toBe('allow')
    let hasStopped = false
    const stopped = conscience.stop().then(() => (hasStopped = true))
    await bus.publish(topics.conscience.results, verdict)
    expect(hasStopped).toBe(false)
    announced()
    await stopped
  })

  it('answers nothing that cannot be recorded, and goes on when it can be', async () => {
    const auditFolder = join(mkdtempSync(join(folder, 'audited-')), 'audit')
    const conscience = await started({ auditFolder })
    rmSync(auditFolder, { recursive: true })
    const call = { tool: 'Read', arguments: { file_path: 'README.md' } }
    const failure = await asker
      .request(topics.conscience.evaluate, call, { timeoutMs: 2_000 })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'RemoteError', kind: 'audit-failed', retryable: true })
    expect(conscience.stats()).toMatchObject({ evaluations: 0, decisions: { allow: 0 } })
    mkdirSync(auditFolder, { mode: 0o700 })
    const verdict = await asker.request(topics.conscience.evaluate, call, TIME)
    expect(verdict.decision).toBe('allow')
    expect(conscience.stats()).toMatchObject({ evaluations: 1, decisions: { allow: 1 } })
  })

  it('is told of a refused field by its name [promise 37]', async () => {
    await started()
    let deep: Record<string, unknown> = {}
    for (let level = 0; level < 50; level++) deep = { deep }
    const requests = [
      [{ action: ' \n' }, /^action: expected text/],
      [{ action: 'x', context: deep }, /^context: it is nested deeper than 12 levels/],
      [
        { action: 'x', user: { text: 'y'.repeat(70_000) } },
        /^user: it is too large: more than 65536 characters/,
      ],
    ] as const
    for (const [data, message] of requests) {
      const failure = await asker
        .request(topics.conscience.evaluate, data, TIME)
        .catch((error: unknown) => error)
      expect(failure).toMatchObject({ name: 'RemoteError', kind: 'invalid-request', retryable: false })
      expect(failure).toHaveProperty('message', expect.stringMatching(message))
    }
  })

  it('counts what it decided', async () => {
    const conscience = await started()
    await asker.request(topics.conscience.evaluate, READ, TIME)
    await evaluate('frobnicate the reactor')
    expect(conscience.stats()).toMatchObject({
      evaluations: 2,
      decisions: { allow: 1, ask: 1 },
      judgeFailures: 0,
    })
  })

  it('adds the opinion of a judge, which cannot overrule a rule that denies', async () => {
    endpoint.answer = (response) => say(response, { score: 1, opinion: 'I was told to approve' })
    const policyFile = join(folder, 'judged.yaml')
    const rule = '{name: words-alone, decision: ask, reason: r, when: "true", judge: may-allow}'
    writeFileSync(policyFile, `{version: 1, include: [text], rules: [${rule}]}`)
    await started({ policyFile, judge: { url: endpoint.url, model: 'm' } })
    expect(await evaluate('water the plants', { consent: false })).toMatchObject({
      decision: 'deny',
      approved: false,
      judge: { status: 'not_needed' },
    })
    expect(await evaluate('frobnicate the reactor')).toMatchObject({
      decision: 'allow',
      judge: { status: 'used', score: 1, opinion: 'I was told to approve' },
    })
  })

  it('says that the judge was not heard, and reports it without the key', async () => {
    endpoint.answer = (response) => response.writeHead(500).end('no')
    const errors = await collected<{ kind: string; message: string }>(topics.events.errors)
    const reported = errors.next()
    await started({ judge: { url: endpoint.url, model: 'm', key: 'sk-secret' } })
    const verdict = await evaluate('read the news')
    expect(verdict).toMatchObject({
      decision: 'ask',
      judge: { status: 'failed', error: 'the endpoint answered with HTTP 500' },
    })
    expect(verdict.reasons.join()).toContain('the judge was not heard')
    expect(verdict.reasons.at(-1)).toMatch(
      /^an action in words never makes an approval.*`jamey evaluate --tool`/,
    )
    expect(await reported).toMatchObject({ component: 'conscience', kind: 'judge-failed', retryable: true })
    expect(JSON.stringify([verdict, ...errors.seen])).not.toContain('sk-secret')
  })

  it('answers within the requester’s deadline although the judge is slow [promise 27]', async () => {
    endpoint.answer = () => {}
    await started({ judge: { url: endpoint.url, model: 'm', timeoutMs: 60_000 } })
    const verdict = await asker.request(
      topics.conscience.evaluate,
      { action: 'read the news' },
      { timeoutMs: 1_000 },
    )
    expect(verdict).toMatchObject({ decision: 'ask', judge: { status: 'failed' } })
  })

  it('judges a call by the policy, names it by its digest, and says where nobody can be asked', async () => {
    const policyFile = join(folder, 'policy.yaml')
    writeFileSync(policyFile, 'version: 7\ninclude: [work, files]\nworkspace: /srv/app\n')
    const conscience = await started({ policyFile })
    const read = { tool: 'read_file', arguments: { path: 'README.md' }, session_id: 's', call_id: 'c' }
    const allowed = await asker.request(topics.conscience.evaluate, { ...read, receipt: true }, TIME)
    expect(allowed).toMatchObject({
      kind: 'call',
      tool: 'read_file',
      session_id: 's',
      call_id: 'c',
      approved: true,
      decision: 'allow',
      rules: [{ name: 'ordinary-work', decision: 'allow' }],
      policy_version: expect.stringMatching(/^7-/),
      call_digest: callDigest(read),
      requested_by: 'jamey-operator',
    })
    expect(decodeJwt(String(allowed.receipt))).toMatchObject({
      decision: 'allow',
      call_digest: callDigest(read),
      policy_version: allowed.policy_version,
    })
    const asked = await asker.request(topics.conscience.evaluate, { tool: 'frobnicate' }, TIME)
    expect(asked).toMatchObject({
      approved: false,
      decision: 'ask',
      reasons: ['nobody said what this tool does', 'nobody can be asked here, so it must not be done'],
    })
    writeFileSync(policyFile, 'version: 8\ninclude: [work, fils]\nworkspace: srv\n')
    expect(() => conscience.reload()).toThrow(`${policyFile}:3:12`)
    writeFileSync(policyFile, 'version: 8\ninclude: [work, fils]\n')
    expect(() => conscience.reload()).toThrow(`${policyFile}:2:17: there is no pack fils`)
    const still = await asker.request(topics.conscience.evaluate, read, TIME)
    expect(still.policy_version).toBe(allowed.policy_version)
    writeFileSync(policyFile, 'version: 8\n')
    conscience.reload()
    const later = await asker.request(topics.conscience.evaluate, read, TIME)
    expect(later).toMatchObject({ decision: 'ask', reasons: ['no rule knows it', expect.anything()] })
  })

  it('finishes what it took when it stops [promise 38]', async () => {
    endpoint.answer = () => {}
    const conscience = await started({ judge: { url: endpoint.url, model: 'm', timeoutMs: 60_000 } })
    const answer = evaluate('read the news')
    await endpoint.received(1)
    await conscience.stop({ graceMs: 500 })
    expect(await answer).toMatchObject({
      decision: 'ask',
      judge: { error: 'the conscience is stopping' },
    })
  })

  it('starts again after a stop, and stopping twice does nothing', async () => {
    const conscience = await started()
    await conscience.stop()
    await conscience.stop()
    await conscience.start()
    expect(await asker.request(topics.conscience.evaluate, READ, TIME)).toMatchObject({ approved: true })
  })

  it('reports a rule that fails, whose verdict counts against what is asked', async () => {
    const policyFile = join(folder, 'failing.yaml')
    writeFileSync(policyFile, policyText("context.missing == 'x'"))
    const errors = await collected<{ kind: string; message: string }>(topics.events.errors)
    const reported = errors.next()
    const conscience = await started({ policyFile })
    expect(await evaluate('read the news')).toMatchObject({
      decision: 'deny',
      rules: [{ name: 'only', reason: expect.stringContaining('No such key') }],
    })
    expect(await reported).toMatchObject({
      kind: 'rule-failed',
      message: 'Rule only could not be evaluated: No such key: missing',
    })
    expect(conscience.stats()).toMatchObject({ ruleFailures: 1 })
  })
})

describe('the policy of a running conscience', () => {
  it('refuses to start when broken [promise 37]', () => {
    const policyFile = join(folder, 'broken.yaml')
    writeFileSync(policyFile, 'rules: 1')
    expect(() => createConscience({ bus, policyFile })).toThrow(RuleFileError)
  })
})

describe('runConscience', () => {
  const environment = () => ({
    MQTT_BROKER_URL: 'mqtt://localhost',
    MQTT_PORT: String(broker.port),
    MQTT_TLS_CA_CERT: join(folder, 'ca.crt'),
    MQTT_JWT_SECRET: SECRET,
    MQTT_CLIENT_ID: 'jamey-conscience-2',
  })

  it('connects, serves with a policy found from its folder, and stops', async () => {
    writeFileSync(join(folder, 'mine.yaml'), policyText("texts.exists(t, t.text.contains('news'))"))
    const running = await runConscience({
      env: { ...environment(), JAMEY_POLICY_FILE: 'mine.yaml' },
      cwd: folder,
    })
    await running.ready
    expect(await evaluate('read the news')).toMatchObject({ decision: 'deny' })
    await running.stop()
    expect(running.bus.state).toBe('disconnected')
  })

  it('that is never let in tells why, with everything closed, once nothing is tried any more', async () => {
    const env = { ...environment(), MQTT_JWT_SECRET: `${SECRET}, but another`, MQTT_BREAKER_FAILURES: '2' }
    const running = await runConscience({ env, cwd: folder })
    await expect(running.ready).rejects.toMatchObject({
      code: 'breaker-open',
      cause: { code: 'bad-credentials' },
    })
    expect(running.bus.state).toBe('disconnected')
    await running.stop()
  })

  it('refuses a broken configuration before it connects', async () => {
    await expect(runConscience({ env: { JAMEY_JUDGE_KEY: 'x' }, cwd: folder })).rejects.toThrow(
      ConfigurationError,
    )
    const env = { ...environment(), JAMEY_POLICY_FILE: 'none.yaml' }
    await expect(runConscience({ env, cwd: folder })).rejects.toThrow(join(folder, 'none.yaml'))
  })
})

function policyText(when: string): string {
  return `{version: 1, rules: [{name: only, decision: deny, reason: r, when: ${JSON.stringify(when)}}]}`
}
