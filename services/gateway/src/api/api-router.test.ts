import { randomUUID } from 'node:crypto'
import { NoResponderError, RemoteError, RequestError } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeBus, memoryOf } from '../service/gateway.support.js'
import { serveApi } from './api-router.js'

const CALLER = { clientId: 'agent-1', permissions: ['publish:jamey/memory/#'] }

let bus: FakeBus

beforeEach(async () => {
  bus = new FakeBus()
  await serveApi(bus.asBus())
})

function callRouter(data: object, options: { timeoutMs?: number; messageId?: string } = {}) {
  return bus.request(topics.api.requests, data, { timeoutMs: 1000, onBehalfOf: CALLER, ...options })
}

describe('the API router', () => {
  it('asks the component under the message id of the call, so that a repeated one stores once', async () => {
    bus.answer(topics.memory.store, ({ envelope }) => ({
      memory: memoryOf(envelope.message_id, 'x'),
      created: true,
    }))
    const messageId = randomUUID()
    const answer = await callRouter({ operation: 'memory.store', input: { content: 'x' } }, { messageId })
    expect(answer).toMatchObject({ output: { memory: { id: messageId } } })
    expect(bus.requests.at(-1)).toMatchObject({
      topic: 'jamey/memory/store',
      data: { content: 'x', layer: 'short_term', tags: [], importance: 0.5 },
      options: { messageId },
    })
  })

  it('asks on behalf of its caller', async () => {
    bus.answer(topics.memory.query, () => ({ memories: [], total: 0 }))
    await callRouter({ operation: 'memory.query', input: {} })
    expect(bus.requests.at(-1)).toMatchObject({
      topic: 'jamey/memory/query',
      options: { onBehalfOf: CALLER },
    })
  })

  it('calls nothing for somebody whose permissions nobody passed on, and says where to ask', async () => {
    bus.answer(topics.memory.query, () => ({ memories: [], total: 0 }))
    const options = { timeoutMs: 1000 }
    const answer = bus.request(topics.api.requests, { operation: 'memory.query', input: {} }, options)
    await expect(answer).rejects.toMatchObject({
      kind: 'not-permitted',
      retryable: false,
      message: expect.stringContaining('jamey/memory/query'),
    })
    expect(bus.requests).toHaveLength(1)
  })

  it('works to what is left of the deadline [promise 27]', async () => {
    let remainingMs = 0
    bus.answer(topics.memory.query, (_request, context) => {
      remainingMs = context.remainingMs
      return { memories: [], total: 0 }
    })
    await callRouter({ operation: 'memory.query', input: {} }, { timeoutMs: 500 })
    expect(remainingMs).toBeGreaterThan(0)
    expect(remainingMs).toBeLessThanOrEqual(500)
  })

  it('asks nobody once the deadline has passed', async () => {
    const late = new FakeBus()
    await serveApi(late.asBus())
    const answer = late.request(
      topics.api.requests,
      { operation: 'memory.query', input: {} },
      { timeoutMs: 0, onBehalfOf: CALLER },
    )
    await expect(answer).rejects.toMatchObject({ kind: 'request-timed-out', retryable: true })
    expect(late.requests).toHaveLength(1)
  })

  it('refuses input that the contract of the operation does not allow, naming the field [promise 37]', async () => {
    const answer = callRouter({ operation: 'memory.store', input: { content: 'x', layer: 'eternal' } })
    await expect(answer).rejects.toMatchObject({
      kind: 'invalid-request',
      retryable: false,
      message: expect.stringContaining('layer is not acceptable'),
    })
    expect(bus.requests).toHaveLength(1)
  })

  it.each([
    ['a failure of the component', new RequestError('not-found', 'no such memory'), 'not-found', false],
    ['nobody serving', new NoResponderError('jamey/memory/query', 'query'), 'no-responder', true],
    [
      'a lost connection',
      Object.assign(new Error('lost'), { name: 'ConnectionError', retryable: true }),
      'unavailable',
      true,
    ],
  ])('hands on %s with its kind [promise 30]', async (_what, error, kind, retryable) => {
    bus.answer(topics.memory.query, () => {
      throw error
    })
    const failure = await callRouter({ operation: 'memory.query', input: {} }).catch(
      (reason: unknown) => reason,
    )
    expect(failure).toBeInstanceOf(RemoteError)
    expect(failure).toMatchObject({ kind, retryable })
  })

  it('passes a fault of its own on as it is, for the bus to hide', async () => {
    const fault = new TypeError('x is undefined')
    bus.answer(topics.memory.query, () => {
      throw fault
    })
    await expect(callRouter({ operation: 'memory.query', input: {} })).rejects.toBe(fault)
  })
})
