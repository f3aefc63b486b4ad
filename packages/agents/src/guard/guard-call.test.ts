import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { CallVerdict } from '../model/call-judge.js'
import { CallRefusedError, JudgeError, ResultWithheldError } from '../model/errors.js'
import { PENDING, ScriptedJudge, verdict } from '../test-support/scripted-judge.js'
import { guardCall } from './guard-call.js'

const call = { tool: 'send_mail', arguments: { to: 'ann@example.org' }, session_id: 's', call_id: 'c' }
const run = vi.fn(async (args: unknown): Promise<unknown> => ({ sent: args }))
let judge: ScriptedJudge

beforeEach(() => {
  judge = new ScriptedJudge()
  run.mockClear()
})

const refusal = (promise: Promise<unknown>): Promise<CallRefusedError> =>
  promise.then(
    () => expect.fail('it ran'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(CallRefusedError)
      expect(run).not.toHaveBeenCalled()
      return error as CallRefusedError
    },
  )

describe('a call that is allowed', () => {
  it('runs with what was judged, and its result is reported to its session', async () => {
    judge.verdicts = [verdict('allow', { evaluation_id: 'e' })]
    expect(await guardCall(judge, call, run)).toEqual({ sent: call.arguments })
    expect(judge.evaluated).toEqual([call])
    expect(judge.reports).toEqual([
      {
        session_id: 's',
        kind: 'result',
        tool: 'send_mail',
        call_id: 'c',
        arguments: call.arguments,
        result: { sent: call.arguments },
        is_error: false,
        outcome: 'succeeded',
        evaluation_id: 'e',
      },
    ])
  })

  it('runs with the arguments that a rule put in the place of its own', async () => {
    judge.verdicts = [verdict('allow', { arguments: { to: 'nobody@example.org' } })]
    await guardCall(judge, call, run)
    expect(run).toHaveBeenCalledExactlyOnceWith({ to: 'nobody@example.org' })
    expect(judge.reports).toMatchObject([{ arguments: { to: 'nobody@example.org' } }])
  })

  it('runs with a copy: what is changed after it was judged changes nothing', async () => {
    const args = { to: ['ann@example.org'] }
    judge.evaluate = async () => {
      args.to[0] = 'eve@example.org'
      return verdict('allow')
    }
    await guardCall(judge, { tool: 'send_mail', arguments: args }, run)
    expect(run).toHaveBeenCalledWith({ to: ['ann@example.org'] })
  })

  it('of no session reports nothing', async () => {
    await guardCall(judge, { tool: 't', arguments: {} }, run)
    expect(judge.reports).toEqual([])
  })

  it('reports what the agent sees, where that is told apart', async () => {
    await guardCall(judge, call, () => ({ text: 'hello', raw: 1n }), { seen: ({ text }) => text })
    expect(judge.reports).toMatchObject([{ result: 'hello' }])
  })

  it('that fails is reported as failed, and rejects with its own error', async () => {
    const failure = new Error('no such mailbox')
    await expect(guardCall(judge, call, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(judge.reports).toMatchObject([{ outcome: 'failed', is_error: true, result: 'no such mailbox' }])
  })

  it('hands out no result and no error that its session could not be told', async () => {
    judge.reportFailure = new Error('gone')
    const seen = guardCall(judge, call, run)
    await expect(seen).rejects.toBeInstanceOf(ResultWithheldError)
    await expect(seen).rejects.toThrow(/send_mail was called; its result is withheld, .* told: gone/)
    const failed = guardCall(judge, call, () => Promise.reject(new Error('obey me')))
    await expect(failed).rejects.toThrow(/^(?!.*obey me)/)
    await expect(failed).rejects.toBeInstanceOf(ResultWithheldError)
  })

  it('hands out no result that refers to itself', async () => {
    await expect(guardCall(judge, call, cyclic)).rejects.toBeInstanceOf(ResultWithheldError)
    expect(judge.reports).toEqual([])
  })

  it.each([
    ['of text', '\u0000"\ud800'.repeat(500_000)],
    ['of numbers', Array(300_000).fill(7)],
  ])('reports the beginning of a result %s that is larger than any report', async (_, result) => {
    expect(await guardCall(judge, call, () => result)).toBe(result)
    const [report] = judge.reports as { result?: string }[]
    expect(report?.result?.length).toBe(250_000)
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(1024 * 1024)
  })
})

function cyclic(): unknown {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}

describe('a call that a person is asked about', () => {
  const ask = verdict('ask', { approval: PENDING, reasons: ['it leaves the company'] })

  it('waits for the answer, is judged again, and runs', async () => {
    judge.verdicts = [ask, verdict('allow', { approval: PENDING })]
    judge.approval = 'approved'
    await guardCall(judge, call, run, { approvalTimeoutMs: 5000 })
    expect(judge.waits).toEqual([{ id: 'approval-1', timeoutMs: 5000 }])
    expect(judge.evaluated).toEqual([call, call])
    expect(run).toHaveBeenCalledOnce()
  })

  it.each([
    ['denied', 'approval-denied', false],
    ['expired', 'approval-pending', true],
  ] as const)('does not run when it is %s', async (approval, code, retryable) => {
    judge.verdicts = [ask]
    judge.approval = approval
    const error = await refusal(guardCall(judge, call, run))
    expect(error).toMatchObject({ code, retryable, decision: 'ask', approvalId: 'approval-1' })
    expect(error.message).toContain('it leaves the company')
  })

  it.each(['ask', 'deny'] as const)('does not run when the second verdict is %s', async (decision) => {
    judge.verdicts = [ask, verdict(decision)]
    judge.approval = 'approved'
    const code = decision === 'ask' ? 'approval-unavailable' : 'denied'
    expect(await refusal(guardCall(judge, call, run))).toMatchObject({ code, decision })
    expect(judge.waits).toHaveLength(1)
  })

  it('waits for nobody with a time of 0', async () => {
    judge.verdicts = [ask]
    const error = await refusal(guardCall(judge, call, run, { approvalTimeoutMs: 0 }))
    expect(error.code).toBe('approval-pending')
    expect(judge.waits).toEqual([])
  })

  it('does not run where nobody can be asked', async () => {
    judge.verdicts = [verdict('ask')]
    expect(await refusal(guardCall(judge, call, run))).toMatchObject({ code: 'approval-unavailable' })
  })
})

describe('a call does not run', () => {
  it('that is denied, and its error says by what', async () => {
    const rules = [{ name: 'no-mail', decision: 'deny', reason: 'no mail today' }]
    judge.verdicts = [verdict('deny', { reasons: ['no mail today'], rules })]
    const error = await refusal(guardCall(judge, call, run))
    expect(error).toMatchObject({ code: 'denied', decision: 'deny', rules, retryable: false })
    expect(error.message).toBe(
      'The call of send_mail was not made: the policy denies it (rule no-mail): no mail today. The same call gets the same answer: go on without it, or tell the user why it is needed.',
    )
    expect(judge.reports).toEqual([])
  })

  it('that a person has denied before, and its error says so', async () => {
    const rules = [{ name: 'payment', decision: 'ask', reason: 'it pays' }]
    const reasons = ['ann denied it: not this month', 'it pays']
    judge.verdicts = [verdict('deny', { reasons, rules, approval: PENDING })]
    const error = await refusal(guardCall(judge, call, run))
    expect(error).toMatchObject({ code: 'approval-denied', approvalId: PENDING.id })
    expect(error.message).toBe(
      'The call of send_mail was not made: a person said no to approval approval-1: ann denied it: not this month; it pays. Do not try the same in another form: go on without it, or ask the user.',
    )
  })

  const asking = { rules: [{ name: 'payment', decision: 'ask', reason: 'it pays' }], reasons: ['it pays'] }
  const away = (retryable: boolean) => new JudgeError('judge-unreachable', 'nobody is there', { retryable })
  it.each<[string, CallVerdict | Error, string]>([
    [
      'a person is asked',
      verdict('ask', { ...asking, approval: PENDING }),
      'it waits for approval approval-1 (rule payment): it pays. Make the same call again later: it is made once a person has approved.',
    ],
    [
      'nobody can be asked',
      verdict('ask', asking),
      'a person would have to approve it, and nobody can be asked (rule payment): it pays. The same call gets the same answer: go on without it, or tell the user why it is needed.',
    ],
    [
      'the conscience is away',
      away(true),
      'no verdict could be had: nobody is there. Make the same call again later.',
    ],
    [
      'it does not take the call',
      away(false),
      'no verdict could be had: nobody is there. Making it again does not help: tell the user.',
    ],
  ])('and a model is told what to do now where %s', async (_, found, told) => {
    judge.verdicts = [found]
    const error = await refusal(guardCall(judge, call, run, { approvalTimeoutMs: 0 }))
    expect(error.message).toBe(`The call of send_mail was not made: ${told}`)
  })

  it('whose decision is no word that is known', async () => {
    judge.verdicts = [{ ...verdict('allow'), decision: 'approved' as 'allow' }]
    expect(await refusal(guardCall(judge, call, run))).toMatchObject({ code: 'denied' })
  })

  it('where no verdict can be had', async () => {
    judge.verdicts = [new JudgeError('judge-unreachable', 'nobody is there', { retryable: true })]
    const error = await refusal(guardCall(judge, call, run))
    expect(error).toMatchObject({ code: 'unjudged', decision: undefined, retryable: true })
    expect(error.cause).toBeInstanceOf(JudgeError)
  })

  it('where the answer of a person cannot be had', async () => {
    judge.verdicts = [verdict('ask', { approval: PENDING })]
    judge.approval = new Error('gone')
    expect(await refusal(guardCall(judge, call, run))).toMatchObject({ code: 'unjudged', decision: 'ask' })
  })

  it('that was taken back before, or while it was judged', async () => {
    const controller = new AbortController()
    judge.evaluate = async () => {
      controller.abort()
      return verdict('allow')
    }
    const { signal } = controller
    expect(await refusal(guardCall(judge, call, run, { signal }))).toMatchObject({ code: 'aborted' })
    expect(await refusal(guardCall(judge, call, run, { signal }))).toMatchObject({ code: 'aborted' })
  })

  describe('while it is judged', () => {
    const judged = (judge: ScriptedJudge) => {
      let answer: (found: CallVerdict | Error) => void = () => {}
      judge.evaluate = () =>
        new Promise((resolve, reject) => {
          answer = (found) => (found instanceof Error ? reject(found) : resolve(found))
        })
      const controller = new AbortController()
      const refused = refusal(guardCall(judge, call, run, { signal: controller.signal }))
      return { refused, controller, answer: (found: CallVerdict | Error) => answer(found) }
    }

    it('is refused at once, and a question that comes of it is withdrawn', async () => {
      const { refused, controller, answer } = judged(judge)
      controller.abort()
      expect(await refused).toMatchObject({ code: 'aborted' })
      expect(judge.withdrawals).toEqual([])
      answer(verdict('ask', { approval: PENDING }))
      await vi.waitFor(() => expect(judge.withdrawals).toMatchObject([{ id: PENDING.id }]))
    })

    it('is told to its session as not made where it would have been allowed', async () => {
      const { refused, controller, answer } = judged(judge)
      controller.abort()
      await refused
      answer(verdict('allow', { evaluation_id: 'e' }))
      await vi.waitFor(() =>
        expect(judge.reports).toMatchObject([{ outcome: 'skipped', evaluation_id: 'e' }]),
      )
    })

    it.each([verdict('deny'), verdict('ask'), new Error('gone')])(
      'leaves nothing behind where the answer is %j',
      async (found) => {
        const { refused, controller, answer } = judged(judge)
        controller.abort()
        await refused
        answer(found)
        await setImmediate()
        expect([judge.withdrawals, judge.reports]).toEqual([[], []])
      },
    )
  })

  describe('while a person is asked', () => {
    const because = 'the call was taken back'
    const waits: (() => void)[] = []
    beforeEach(() => {
      waits.length = 0
      judge.verdicts = [verdict('ask', { approval: PENDING })]
      judge.waitForApproval = (_, { signal }: { timeoutMs: number; signal?: AbortSignal }) =>
        new Promise((resolve, reject) => {
          waits.push(() => resolve('denied'))
          signal?.addEventListener('abort', () => reject(signal.reason))
        })
    })

    it('has nobody asked any longer', async () => {
      const controller = new AbortController()
      const refused = refusal(guardCall(judge, call, run, { signal: controller.signal }))
      await vi.waitFor(() => expect(waits).toHaveLength(1))
      controller.abort()
      expect(await refused).toMatchObject({ code: 'aborted', approvalId: PENDING.id })
      expect(judge.withdrawals).toEqual([{ id: PENDING.id, because }])
    })

    it('leaves the question to the same call of another, and withdraws it with the last', async () => {
      const [one, other] = [new AbortController(), new AbortController()]
      const refused = refusal(guardCall(judge, call, run, { signal: one.signal }))
      const second = refusal(guardCall(judge, call, run, { signal: other.signal }))
      await vi.waitFor(() => expect(waits).toHaveLength(2))
      one.abort()
      await refused
      expect(judge.withdrawals).toEqual([])
      other.abort()
      await second
      expect(judge.withdrawals).toEqual([{ id: PENDING.id, because }])
    })

    it('is refused all the same where that fails', async () => {
      judge.withdraw = () => Promise.reject(new Error('gone'))
      const controller = new AbortController()
      const refused = refusal(guardCall(judge, call, run, { signal: controller.signal }))
      await vi.waitFor(() => expect(waits).toHaveLength(1))
      controller.abort()
      expect(await refused).toMatchObject({ code: 'aborted' })
    })

    it('goes on asking where the time is over: once somebody approves, the same call is allowed', async () => {
      judge.waitForApproval = async () => 'expired'
      const { signal } = new AbortController()
      expect(await refusal(guardCall(judge, call, run, { signal }))).toMatchObject({
        code: 'approval-pending',
      })
      expect(judge.withdrawals).toEqual([])
    })
  })

  it.each([
    ['no object', ['a'], /arguments must be an object; found array/],
    ['what refers to itself', cyclic(), /arguments.self refers to what it stands in/],
    ['a big integer', { sum: 10n }, /arguments.sum must be JSON; found bigint/],
    ['a function', { list: [1, () => {}] }, /arguments.list.1 must be JSON; found function/],
    ['a date', { when: new Date(0) }, /arguments.when must be JSON; found Date/],
    ['no number', { sum: Number.NaN }, /arguments.sum must be a finite number; found NaN/],
    ['a megabyte', { text: 'x'.repeat(1024 * 1024) }, /at most 524288 bytes as JSON; it has 1048/],
    ['10 000 levels', deep(10_000), /stands deeper than 64 levels/],
    ['a member that throws', throwing(), /arguments cannot be read: go away/],
    ['the same object a million times', doubled(40), /at most 524288 bytes as JSON; it has more/],
  ])('with %s in its arguments, and nobody is asked', async (_, args, message) => {
    const error = await refusal(guardCall(judge, { tool: 't', arguments: args as object as never }, run))
    expect(error).toMatchObject({ code: 'not-json' })
    expect(error.message).toMatch(message)
    expect(error.message.length).toBeLessThan(400)
    expect(judge.evaluated).toEqual([])
  })
})

function deep(levels: number): object {
  let value: object = {}
  for (let i = 0; i < levels; i++) value = { next: value }
  return value
}

function throwing(): object {
  return Object.defineProperty({}, 'secret', {
    enumerable: true,
    get: () => {
      throw new Error('go away')
    },
  })
}

function doubled(times: number): object {
  let value: object = {}
  for (let i = 0; i < times; i++) value = { left: value, right: value }
  return value
}

it('a member called __proto__ is judged and run as a member', async () => {
  const args = JSON.parse('{"__proto__": {"to": "eve"}}') as Record<string, unknown>
  await guardCall(judge, { tool: 't', arguments: args }, run)
  expect(Object.keys(judge.evaluated[0]?.arguments ?? {})).toEqual(['__proto__'])
  expect(Object.keys(run.mock.calls[0]?.[0] as object)).toEqual(['__proto__'])
})
