import { setImmediate } from 'node:timers/promises'
import type { RequestContract } from '@jamey/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { JudgeError } from '../model/errors.js'
import { busJudge, type JudgeBus } from './bus-judge.js'

type Asked = { topic: string; action: string; data: unknown; timeoutMs: number }

let asked: Asked[]
/** Each answers one request. */
let answers: (() => unknown)[]
const bus = {
  request: async (
    { topic, action }: RequestContract,
    data: unknown,
    { timeoutMs }: { timeoutMs: number },
  ) => {
    asked.push({ topic, action, data, timeoutMs })
    await setImmediate()
    return answers.shift()?.()
  },
} as unknown as JudgeBus

const call = { tool: 'send', arguments: { to: 'ann' } }
const status = (value: string) => () => ({ approval: { status: value } })
const fails = (name: string, retryable: boolean) => () => {
  throw Object.assign(new Error(`${name} it is`), { name, retryable })
}

beforeEach(() => {
  asked = []
  answers = []
})

describe('a judge on the bus', () => {
  const judge = busJudge(bus, { timeoutMs: 1_000 })

  it('asks for a verdict on a call, and takes no verdict on words for one', async () => {
    const verdict = { kind: 'call', decision: 'allow', approved: true, reasons: [], rules: [] }
    answers = [() => verdict, () => ({ ...verdict, kind: 'text' })]
    expect(await judge.evaluate(call)).toEqual(verdict)
    expect(asked).toEqual([
      { topic: 'jamey/conscience/evaluate', action: 'evaluate', data: call, timeoutMs: 1_000 },
    ])
    await expect(judge.evaluate(call)).rejects.toMatchObject({ code: 'judge-answer-invalid' })
  })

  it('asks about the calls of one turn at once, each for itself', async () => {
    const allow = { kind: 'call', decision: 'allow', approved: true, reasons: [], rules: [] }
    const error = { kind: 'overloaded', message: 'no room', retryable: true }
    answers = [
      () => ({ results: [{ verdict: allow }, { error }, { verdict: { ...allow, kind: 'text' } }] }),
      () => ({ results: [{ verdict: allow }] }),
    ]
    const mine = { ...call, session_id: 's' }
    const [first, second, third] = await Promise.allSettled([1, 2, 3].map(() => judge.evaluate(mine)))
    expect(asked).toEqual([
      {
        topic: 'jamey/conscience/evaluate',
        action: 'evaluate_batch',
        data: { calls: [mine, mine, mine] },
        timeoutMs: 1_000,
      },
    ])
    expect(first).toMatchObject({ status: 'fulfilled', value: allow })
    expect(second).toMatchObject({
      reason: { code: 'judge-refused', retryable: true, message: 'evaluate was refused: no room' },
    })
    expect(third).toMatchObject({ reason: { code: 'judge-answer-invalid' } })
    // Fewer answers than calls are none: which is whose is not known.
    for (const one of await judge.evaluateAll([mine, mine])) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'judge-answer-invalid' } })
    }
  })

  it('waits for a person, through a conscience that is away for a moment', async () => {
    answers = [
      fails('NoResponderError', true),
      status('pending'),
      fails('RequestTimeoutError', true),
      status('approved'),
    ]
    expect(await judge.waitForApproval('id', { timeoutMs: 60_000 })).toBe('approved')
    expect(asked.map(({ action }) => action)).toEqual(Array(4).fill('get_approval'))
    expect(asked[0]).toMatchObject({ data: { approval_id: 'id', wait_ms: 10_000 }, timeoutMs: 11_000 })
  })

  it.each([
    ['denied', 'denied'],
    ['revoked', 'denied'],
    ['expired', 'expired'],
    ['used', 'expired'],
  ])('takes %s for %s', async (found, answer) => {
    answers = [status(found)]
    expect(await judge.waitForApproval('id', { timeoutMs: 60_000 })).toBe(answer)
  })

  it('gives up when the time is over, and at once where nothing would pass', async () => {
    answers = [status('pending')]
    expect(await judge.waitForApproval('id', { timeoutMs: 0 })).toBe('expired')
    answers = [fails('RemoteError', false)]
    await expect(judge.waitForApproval('id', { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'judge-refused',
    })
  })

  it('ends its waiting with the signal', async () => {
    const controller = new AbortController()
    answers = [fails('NoResponderError', true)]
    const waiting = judge.waitForApproval('id', { timeoutMs: 60_000, signal: controller.signal })
    await setImmediate()
    controller.abort()
    await expect(waiting).rejects.toThrow()
  })

  it.each([
    ['RemoteError', true, 'judge-refused'],
    ['RequestTimeoutError', true, 'judge-unreachable'],
    ['PermissionError', false, 'judge-unreachable'],
  ])('tells %s as its own error', async (name, retryable, code) => {
    answers = [fails(name, retryable)]
    const error = await judge.evaluate(call).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(JudgeError)
    expect(error).toMatchObject({ code, retryable, message: `evaluate failed: ${name} it is` })
  })
})
