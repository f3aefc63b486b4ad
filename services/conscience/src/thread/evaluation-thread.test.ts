import { type RequestError, systemClock } from '@jamey/bus'
import { callDigest } from '@jamey/calls'
import { FakeClock } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadPolicy, parsePolicy } from '../policy/policy-file.js'
import { EvaluationThread } from './evaluation-thread.js'

const patient = { remainingMs: 60_000 }
const CHANGING = `version: 1
rules:
  - { name: small-pages, decision: allow, reason: r, when: "numbers.exists(n, n.number > 50.0)", transform: [{ argument: /limit, at_most: 50 }] }
  - { name: search, decision: allow, reason: r, when: "tool == 'search'" }
`

function policyOf(when: string, version = '1') {
  const rule = `{name: only, decision: deny, reason: r, when: ${JSON.stringify(when)}}`
  return parsePolicy(`{version: ${version}, rules: [${rule}]}`, 'policy.yaml')
}

function setUp({
  worker,
  clock,
  budgetMs = 60_000,
}: {
  worker?: string
  clock?: FakeClock
  budgetMs?: number
} = {}) {
  const ends: string[] = []
  const thread = new EvaluationThread({
    policy: worker === undefined ? loadPolicy() : policyOf('true'),
    budgetMs,
    clock: clock ?? systemClock,
    onEnd: (error) => ends.push(error.message),
    ...(worker === undefined ? {} : { worker: pretending(worker) }),
  })
  onTestFinished(() => thread.close())
  const ask = (sender: string, action: string, context = patient) =>
    thread.evaluate(sender, { words: { action } }, context).then(
      ({ policyVersion, rules }) => [policyVersion, ...rules.map(({ name }) => name)].join(' '),
      ({ kind, retryable }: RequestError) => `${kind} ${retryable}`,
    )
  return { thread, ask, ends }
}

/** A thread in which `body` says what becomes of an order; `done(id)` tells that it is done, `begin(id)` that it is at it. */
function pretending(body: string): URL {
  const script = `import { parentPort, workerData } from 'node:worker_threads'
    const cells = new Int32Array(workerData.progress)
    const begin = (id) => { Atomics.store(cells, 0, id); Atomics.add(cells, 1, 1) }
    const done = (id) =>
      parentPort.postMessage([JSON.stringify({ id, result: { rules: [], failures: [], policyVersion: 'done' } })])
    const take = ({ id, work: { words: proposal }, leftMs }) => { ${body} }
    parentPort.on('message', (orders) => orders.forEach((order) => take(JSON.parse(order))))
    parentPort.postMessage([{ isReady: true }])`
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`)
}

describe('evaluations in a thread', () => {
  it('tell what the policy says of words, with what is said beside them', async () => {
    const { thread } = setUp()
    const words = { action: 'water the plants', context: { consent: false } }
    const found = await thread.evaluate('a', { words }, patient)
    expect(found).toMatchObject({ decision: 'deny', readsContext: true, policyVersion: loadPolicy().version })
    expect(found).not.toHaveProperty('callDigest')
    expect(found).not.toHaveProperty('facts')
    const attested = await thread.evaluate(
      'a',
      { words: { action: 'x' }, attested: { confirmed: true } },
      patient,
    )
    expect(attested).toMatchObject({ decision: 'allow', rules: [{ name: 'confirmed' }] })
  })

  it('tell what the policy says of a call, and its digest', async () => {
    const { thread } = setUp()
    const call = { tool: 'Bash', arguments: { command: 'rm -rf /' } }
    const {
      decision,
      rules,
      policyVersion,
      callDigest: digest,
    } = await thread.evaluate('a', { call }, patient)
    expect({ decision, names: rules.map(({ name }) => name) }).toEqual({
      decision: 'deny',
      names: ['write-elsewhere', 'delete-system'],
    })
    expect([policyVersion, digest]).toEqual([loadPolicy().version, callDigest(call)])
  })

  it('tell changed arguments, with the digest of what may be called', async () => {
    const { thread } = setUp()
    thread.use(parsePolicy(CHANGING, 'policy.yaml'))
    const call = { tool: 'search', arguments: { limit: 500 } }
    expect(await thread.evaluate('a', { call }, patient)).toMatchObject({
      decision: 'allow',
      arguments: { limit: 50 },
      callDigest: callDigest(call),
      changedCallDigest: callDigest({ tool: 'search', arguments: { limit: 50 } }),
    })
  })

  it('that take longer than they may are not understood', async () => {
    const { thread } = setUp({ budgetMs: -1 })
    expect(await thread.evaluate('a', { call: { tool: 'Read', arguments: {} } }, patient)).toMatchObject({
      decision: 'ask',
      reasons: ['it could not be judged within -1 ms'],
    })
  })

  it('leave the event loop to others [promise 46]', async () => {
    // Long ones, however quickly usual ones are judged.
    const { thread, ask } = setUp({
      worker: 'const end = performance.now() + 100; while (performance.now() < end); done(id)',
    })
    await thread.opened
    const before = performance.eventLoopUtilization()
    expect(await Promise.all(['a', 'b', 'c'].map((sender) => ask(sender, 'x')))).toEqual(
      Array(3).fill('done'),
    )
    const { active, idle } = performance.eventLoopUtilization(before)
    expect(active).toBeLessThan(idle)
  })

  it('go by new rules from when these are given', async () => {
    const { thread, ask } = setUp()
    await thread.opened
    thread.use(policyOf('true', 'two'))
    expect(await ask('a', 'x')).toMatch(/^two-\w+ only$/)
  })

  it('that nobody waits for any more are not begun, or not ended', async () => {
    const { thread, ask } = setUp()
    await thread.opened
    expect(await ask('a', 'read the news', { remainingMs: 0 })).toBe('aborted true')
    const context = { a: Array.from({ length: 100 }, () => 'delete records and '.repeat(250)) }
    const longest = thread.evaluate('a', { words: { action: 'x', context } }, { remainingMs: 1 })
    await expect(longest).rejects.toMatchObject({ kind: 'aborted', retryable: true })
    expect(await ask('a', 'read the news')).toContain(loadPolicy().version)
  })

  it('that could hardly be answered in time are not begun, so that others can be', async () => {
    const { thread, ask } = setUp({ worker: 'setTimeout(() => done(id), 1)' })
    await thread.opened
    let remainingMs = 1000
    const hurried = {
      get remainingMs() {
        return remainingMs
      },
    }
    const before = Array.from({ length: 64 }, () => ask('a', 'x', hurried))
    const last = ask('a', 'x', hurried)
    remainingMs = 100
    expect(await Promise.all([...before, last])).toEqual([...Array(64).fill('done'), 'aborted true'])
  })

  it('that are not done are given up when it is closed', async () => {
    const { thread, ask } = setUp({ worker: '' })
    const answers = [ask('a', '1'), ask('a', '2'), ask('b', '3')]
    await thread.opened
    await thread.close()
    expect(await Promise.all([...answers, ask('c', '4')])).toEqual(Array(4).fill('aborted true'))
  })
})

describe('a sender of many evaluations', () => {
  it('has a few of them with the thread, so that another sender waits for those alone', async () => {
    const { ask, thread } = setUp({
      worker: `(globalThis.all ??= []).push(id); setTimeout(() => done(all.shift()), 5)`,
    })
    await thread.opened
    const order: string[] = []
    const many = Array.from({ length: 100 }, (_, n) => ask('a', `${n}`).then(() => order.push('a')))
    await Promise.all([...many, ask('b', 'x').then(() => order.push('b'))])
    expect(order.indexOf('b')).toBeLessThanOrEqual(64)
    expect(order).toHaveLength(101)
  })

  it('has so much text waiting and no more, so that what others ask is not behind it for long', async () => {
    const { ask, thread } = setUp({
      worker: "if (proposal.action !== 'x') setTimeout(() => done(id), 1); else done(id)",
    })
    await thread.opened
    const long = 'x'.repeat(10_000)
    const first = Array.from({ length: 400 }, () => ask('a', long))
    expect(await ask('b', 'x')).toBe('done')
    const outcomes = await Promise.all(first)
    // Four were with the thread.
    expect(outcomes).toEqual([...Array(333).fill('done'), ...Array(67).fill('overloaded true')])
    const short = Array.from({ length: 900 }, () => ask('a', 'x'))
    expect(new Set(await Promise.all(short))).toEqual(new Set(['done']))
  })

  it('is charged for what it says of the circumstances, too', async () => {
    const { thread } = setUp({ worker: 'setTimeout(() => done(id), 1)' })
    await thread.opened
    const context = { note: 'x'.repeat(60_000) }
    const all = Array.from({ length: 80 }, () =>
      thread.evaluate('a', { words: { action: 'x', context } }, patient),
    )
    const settled = await Promise.allSettled(all)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(55)
  })

  it('and many senders leave the thread no more than it can hold', async () => {
    const { ask, thread } = setUp({
      worker: `(globalThis.all ??= []).push(id)
        if (all.length > 192) process.exit(1)
        setTimeout(() => done(all.shift()), 5)`,
    })
    await thread.opened
    const answers = Array.from({ length: 300 }, (_, n) => ask(`${n}`, 'x'))
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['done']))
  })
})

describe('a thread that ends', () => {
  const orders = `begin(id)
    if (proposal.action === 'poison') process.exit(7)
    setTimeout(() => done(id), 20)`

  it('costs what it was at, which may be asked again; all else is done by another one', async () => {
    const { ask, ends } = setUp({ worker: orders })
    const answers = ['a', 'b', 'poison', 'c'].map((action) => ask(action, action))
    answers.push(ask('a', 'again'), ask('poison', 'afterwards'))
    expect(await Promise.all(answers)).toEqual([
      'done',
      'done',
      'evaluation-ended true',
      'done',
      'done',
      'done',
    ])
    expect(ends).toEqual([expect.stringContaining('(exit code 7)')])
  })

  it('for want of memory ends nothing else', async () => {
    const clock = new FakeClock()
    const { ask, ends } = setUp({
      worker: `begin(id)
        const all = []
        while (proposal.action === 'poison') all.push(new Array(1e6).fill(all.length))
        done(id)`,
      clock,
    })
    const answers = [ask('a', 'poison'), ask('b', 'x')]
    expect(await answers[0]).toBe('evaluation-ended true')
    expect(ends).toEqual([expect.stringContaining('memory limit')])
    await clock.advance(0)
    expect(await answers[1]).toBe('done')
  })

  it('since it got stuck in one step is ended', async () => {
    const clock = new FakeClock()
    const { ask, ends, thread } = setUp({
      worker: "begin(id); while (proposal.action === 'poison'); done(id)",
      clock,
    })
    await thread.opened
    let answer: string | undefined
    void ask('a', 'poison').then((text) => {
      answer = text
    })
    await expect.poll(() => clock.pendingTimers).toBe(1)
    await expect
      .poll(async () => {
        await clock.advance(10_000)
        return answer
      })
      .toBe('evaluation-ended true')
    expect(ends).toEqual([expect.stringContaining('one step took longer than 10000 ms')])
    const next = ask('a', 'x')
    await expect.poll(() => clock.pendingTimers).toBe(1)
    await clock.advance(0)
    expect(await next).toBe('done')
  })

  it('before it is there is started again, ever more seldom, and nothing is lost meanwhile [promise 47]', async () => {
    const clock = new FakeClock()
    const ends: string[] = []
    const thread = new EvaluationThread({
      policy: policyOf('true'),
      budgetMs: undefined,
      clock,
      onEnd: (error) => ends.push(error.message),
      worker: new URL('data:text/javascript,throw new Error("too many open files")'),
    })
    onTestFinished(() => thread.close())
    const answer = thread
      .evaluate('a', { words: { action: 'x' } }, patient)
      .catch(({ kind }: RequestError) => kind)
    for (const [attempt, delayMs] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
      await expect.poll(() => [ends.length, clock.pendingTimers]).toEqual([attempt + 1, 1])
      await clock.advance(delayMs - 1)
      expect(clock.pendingTimers).toBe(1)
      await clock.advance(1)
    }
    expect(new Set(ends)).toEqual(new Set([expect.stringContaining('(too many open files)')]))
    await thread.close()
    expect(await answer).toBe('aborted')
  })
})
