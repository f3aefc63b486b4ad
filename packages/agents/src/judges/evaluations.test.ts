import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { CallVerdict, ToolCall } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'
import { verdict } from '../test-support/scripted-judge.js'
import { Evaluations } from './evaluations.js'

interface Request {
  readonly names: string[]
  readonly isBatch: boolean
  readonly signal: AbortSignal | undefined
}

let requests: Request[]
/** The answer to a batch. */
let answerAll: (calls: readonly ToolCall[]) => Promise<readonly (CallVerdict | JudgeError)[]>
let evaluations: Evaluations

const named = ({ tool }: ToolCall) => verdict('allow', { evaluation_id: tool })
const call = (tool: string, session_id: string | undefined = 's', text = ''): ToolCall => ({
  tool,
  arguments: { text },
  ...(session_id === undefined ? {} : { session_id }),
})
const asked = () => requests.map(({ names }) => names)

beforeEach(() => {
  requests = []
  answerAll = async (calls) => calls.map(named)
  evaluations = new Evaluations({
    one: async (asked, { signal }) => {
      requests.push({ names: [asked.tool], isBatch: false, signal })
      signal?.throwIfAborted()
      return named(asked)
    },
    several: (calls, { signal }) => {
      requests.push({ names: calls.map(({ tool }) => tool), isBatch: true, signal })
      return answerAll(calls)
    },
  })
})

describe('calls that come in one turn of the event loop', () => {
  it('are asked about at once, in their order, and each gets its own verdict', async () => {
    const verdicts = ['a', 'b', 'c'].map((tool) => evaluations.evaluate(call(tool)))
    expect((await Promise.all(verdicts)).map(({ evaluation_id: id }) => id)).toEqual(['a', 'b', 'c'])
    expect(requests).toMatchObject([{ names: ['a', 'b', 'c'], isBatch: true }])
  })

  it('go together however many promises each waited for in it', async () => {
    const after = async (promises: number) => {
      for (let i = 0; i < promises; i++) await Promise.resolve()
      return evaluations.evaluate(call(`after ${promises}`))
    }
    await Promise.all([after(0), after(7), after(100)])
    expect(asked()).toEqual([['after 0', 'after 7', 'after 100']])
  })

  it('are asked about alone where another turn is between them, as a single one is', async () => {
    const { signal } = new AbortController()
    const first = evaluations.evaluate(call('a'), { signal })
    await nextTurn()
    await Promise.all([first, evaluations.evaluate(call('b'))])
    expect(requests).toEqual([
      { names: ['a'], isBatch: false, signal },
      { names: ['b'], isBatch: false, signal: undefined },
    ])
  })

  it('go with those of their own session, and alone where they have none', async () => {
    const sessions = [
      ['a', 's'],
      ['b', 't'],
      ['c', undefined],
      ['d', 's'],
      ['e', undefined],
    ] as const
    const made = sessions.map(([tool, session]) => ({ ...call(tool), session_id: session }))
    await Promise.all(made.map((one) => evaluations.evaluate(one)))
    expect(asked()).toEqual([['c'], ['e'], ['a', 'd'], ['b']])
  })

  it('fail each for itself where one of them alone has no verdict', async () => {
    const busy = new JudgeError('judge-refused', 'no room')
    answerAll = async ([first]) => [named(first as ToolCall), busy]
    const [one, other] = [evaluations.evaluate(call('a')), evaluations.evaluate(call('b'))]
    await expect(other).rejects.toBe(busy)
    expect(await one).toMatchObject({ evaluation_id: 'a' })
  })

  it.each([
    ['nobody is there', new JudgeError('judge-unreachable', 'x', { retryable: true })],
    ['the answer is none', new JudgeError('judge-answer-invalid', 'x')],
    ['there is no room', new JudgeError('judge-refused', 'x', { status: 429, retryable: true })],
    ['the token is none', new JudgeError('judge-refused', 'x', { status: 401 })],
    ['the right is missing', new JudgeError('judge-refused', 'x', { status: 403 })],
    ['something else breaks', new Error('x')],
  ])('fail all of them where %s, and none is asked about again', async (_, error) => {
    answerAll = () => Promise.reject(error)
    const all = await Promise.allSettled(['a', 'b'].map((tool) => evaluations.evaluate(call(tool))))
    expect(all).toEqual(Array(2).fill({ status: 'rejected', reason: error }))
    expect(asked()).toEqual([['a', 'b']])
  })

  it.each([[400], [404], [413], [undefined]])(
    'are asked about one by one where they were not taken together (%s)',
    async (status) => {
      const options = status === undefined ? {} : { status }
      answerAll = () => Promise.reject(new JudgeError('judge-refused', 'x', options))
      await Promise.all(['a', 'b'].map((tool) => evaluations.evaluate(call(tool))))
      expect(asked()).toEqual([['a', 'b'], ['a'], ['b']])
    },
  )
})

describe('one of several calls that is taken back', () => {
  let answer: () => void
  beforeEach(() => {
    answerAll = (calls) =>
      new Promise((resolve) => {
        answer = () => resolve(calls.map(named))
      })
  })

  it('is waited for no longer, and the others are', async () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const first = evaluations.evaluate(call('a'), { signal: one.signal })
    const second = evaluations.evaluate(call('b'), { signal: other.signal })
    await nextTurn()
    one.abort(new Error('enough'))
    await expect(first).rejects.toMatchObject({ code: 'judge-unreachable', cause: new Error('enough') })
    expect(requests[0]?.signal?.aborted).toBe(false)
    answer()
    expect(await second).toMatchObject({ evaluation_id: 'b' })
  })

  it('before it was asked about is not', async () => {
    const { signal } = new AbortController()
    const controller = new AbortController()
    const taken = evaluations.evaluate(call('a'), { signal: controller.signal })
    const others = ['b', 'c'].map((tool) => evaluations.evaluate(call(tool), { signal }))
    controller.abort()
    await expect(taken).rejects.toThrow('it was taken back')
    await nextTurn()
    answer()
    await Promise.all(others)
    expect(asked()).toEqual([['b', 'c']])
  })

  it('ends the request where it was the last', async () => {
    const controller = new AbortController()
    const both = ['a', 'b'].map((tool) => evaluations.evaluate(call(tool), { signal: controller.signal }))
    await nextTurn()
    controller.abort()
    for (const one of await Promise.allSettled(both)) expect(one.status).toBe('rejected')
    expect(requests[0]?.signal?.aborted).toBe(true)
    answer()
  })
})

describe('evaluateAll', () => {
  it('settles each in its order, and asks about no more at once than a conscience takes', async () => {
    const calls = Array.from({ length: 130 }, (_, i) => call(`${i}`))
    const settled = await evaluations.evaluateAll(calls)
    expect(settled.map((one) => one.status === 'fulfilled' && one.value.evaluation_id)).toEqual(
      calls.map(({ tool }) => tool),
    )
    expect(requests.map(({ names }) => names.length)).toEqual([64, 64, 2])
  })

  it('asks about large ones apart from each other', async () => {
    const large = 'x'.repeat(300 * 1024)
    const calls = [call('a', 's', large), call('b'), call('c', 's', large), call('d', 's', large)]
    await evaluations.evaluateAll(calls)
    expect(asked()).toEqual([['a', 'b'], ['c'], ['d']])
  })

  it('has nothing but itself fail with what is no JSON', async () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    await evaluations.evaluateAll([call('a'), { tool: 'b', arguments: circular }, call('c')])
    expect(asked()).toEqual([['a'], ['b'], ['c']])
  })

  it('of none asks nothing', async () => {
    expect(await evaluations.evaluateAll([])).toEqual([])
    expect(requests).toEqual([])
  })
})
