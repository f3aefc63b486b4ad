import { readFileSync } from 'node:fs'
import {
  AbortedError,
  NoResponderError,
  PermissionError,
  RateLimitError,
  RemoteError,
  RequestError,
  RequestTimeoutError,
} from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeBus, post, type RunningFixture, startGateway } from '../service/gateway.support.js'
import { problemOf } from './problem-of-error.js'

const topic = topics.conscience.evaluate.topic

function clientError(name: string, retryable: boolean): Error {
  return Object.assign(new Error('10.0.0.7:8883 refused, password hunter2'), { name, retryable })
}

function tooLarge(): Error {
  return Object.assign(clientError('PublishError', false), { code: 'packet-too-large' })
}

describe('failures behind the HTTP server', () => {
  let running: RunningFixture

  beforeEach(async () => {
    running = await startGateway()
  })

  afterEach(() => running.gateway.stop())

  const evaluate = (headers: Record<string, string> = {}) =>
    post(`${running.url}/v1/conscience/evaluate`, { action: 'a' }, headers)

  it.each([
    [
      'the component refuses the input',
      () => new RequestError('invalid-request', 'no'),
      400,
      'invalid-input',
    ],
    ['there is no such thing', () => new RequestError('not-found', 'no'), 404, 'not-found'],
    ['the id is taken', () => new RequestError('memory-conflict', 'no'), 409, 'conflict'],
    ['the bus limits us', () => new RateLimitError('1 message/s', 2500), 429, 'rate-limited'],
    ['nobody serves', () => new NoResponderError(topic, 'evaluate'), 503, 'no-responder'],
    ['the broker takes no message this large', () => tooLarge(), 413, 'input-too-large'],
    ['the breaker is open', () => clientError('ConnectionError', true), 503, 'unavailable'],
    ['the broker is away', () => clientError('PublishError', true), 503, 'unavailable'],
    [
      'the component is busy',
      () => new RequestError('queue-full', 'busy', { retryable: true }),
      503,
      'unavailable',
    ],
    ['the bus closes', () => new AbortedError('bus-closed', 'closed'), 503, 'unavailable'],
    ['the deadline passes', () => new RequestTimeoutError(topic, 'evaluate', 100), 504, 'deadline-exceeded'],
    ['the component fails', () => new Error('at secret.ts:12, password hunter2'), 500, 'internal'],
    ['the component fails for good', () => new RequestError('disk-broken', '/var/x'), 500, 'internal'],
    [
      'we lack a permission ourselves',
      () => new PermissionError('publish:x', 'jamey-gateway'),
      500,
      'internal',
    ],
  ])('are answered with their own status where %s [promise 30]', async (_when, make, status, kind) => {
    running.bus.answer(topics.conscience.evaluate, () => {
      throw make()
    })
    const answer = await evaluate()
    expect(answer).toMatchObject({ status, body: { type: `urn:jamey:problem:${kind}`, status } })
    expect(answer.text).not.toMatch(/hunter2|10\.0\.0\.7|secret\.ts|\/var\/x|jamey-gateway/)
    const isWorthRetrying = status === 429 || status === 503
    expect(answer.headers['retry-after'] !== undefined).toBe(isWorthRetrying)
  })

  it('end with 503 at once where nobody serves the component [promise 28]', async () => {
    expect(await evaluate()).toMatchObject({ status: 503, body: { type: 'urn:jamey:problem:no-responder' } })
  })

  it('end with 504 when X-Timeout-Ms has passed [promise 27]', async () => {
    running.bus.answer(topics.conscience.evaluate, () => new Promise(() => {}))
    const answer = await evaluate({ 'x-timeout-ms': '100' })
    expect(answer).toMatchObject({ status: 504, body: { type: 'urn:jamey:problem:deadline-exceeded' } })
  })

  it.each(['connecting', 'reconnecting', 'disconnected', 'error'] as const)(
    'end with 503 at once while the connection is %s',
    async (state) => {
      running.bus.become(state)
      const answer = await evaluate()
      expect(answer).toMatchObject({ status: 503, body: { type: 'urn:jamey:problem:unavailable' } })
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(running.bus.requests).toEqual([])
    },
  )
})

describe('problemOf', () => {
  it('tells nothing about what it does not know', () => {
    for (const error of ['text', undefined, new TypeError('x is undefined'), { code: 'EIO' }]) {
      expect(problemOf(error)).toMatchObject({ status: 500 })
      expect(problemOf(error).message).not.toContain('undefined')
    }
  })

  it('takes the field from the message of the component that objects to it', () => {
    const failure = new RemoteError('invalid-request', 'metadata.size: must be small', false)
    expect(problemOf(failure)).toMatchObject({ status: 400, field: 'metadata.size' })
    expect(problemOf(new RemoteError('invalid-request', 'Too big.', false))).toMatchObject({ field: 'body' })
  })

  it('answers each refusal of the memory with the status that docs/errors.md tells', () => {
    const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
    const section = /^## Memory\n(.*?)^## /ms.exec(page)?.[1] ?? ''
    const rows = [...section.matchAll(/^\| (`.*?`) \| (\d{3}) \| .* \| (time|change) \|$/gm)]
    const told = rows.flatMap(([, kinds = '', status, passes]) =>
      [...kinds.matchAll(/`(-?)([a-z-]+)`/g)].map(([, isShort, word]) => ({
        kind: isShort === '' ? word : `storage-${word}`,
        status: Number(status),
        retryable: passes === 'time',
      })),
    )
    expect(told.length).toBeGreaterThan(20)
    for (const { kind = '', status, retryable } of told) {
      expect([kind, problemOf(new RemoteError(kind, 'no', retryable)).status]).toEqual([kind, status])
    }
  })

  it('knows the errors of the MQTT client by their names and codes', () => {
    expect(problemOf(clientError('AuthenticationError', false))).toMatchObject({ status: 503 })
    expect(problemOf(clientError('SubscriptionError', true))).toMatchObject({ status: 503 })
    expect(problemOf(clientError('PublishError', false))).toMatchObject({ status: 500 })
    expect(problemOf(tooLarge())).toMatchObject({ status: 413, field: 'body' })
  })

  it('keeps the wait of a rate limit', () => {
    expect(problemOf(new RateLimitError('1/s', 2500)).headers).toEqual({ 'retry-after': '3' })
  })
})

describe('the fake bus', () => {
  it('loses a request that nobody serves', async () => {
    const request = new FakeBus().request(topics.conscience.evaluate, { action: 'a' }, { timeoutMs: 100 })
    await expect(request).rejects.toBeInstanceOf(NoResponderError)
  })
})
