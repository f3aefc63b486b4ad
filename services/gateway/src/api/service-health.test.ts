import { RemoteError, RequestError, RequestTimeoutError } from '@jamey/bus'
import { pingOf, topics } from '@jamey/contracts'
import { PublishError } from '@jamey/mqtt'
import { expect, it, onTestFinished, vi } from 'vitest'
import { FakeBus } from '../service/gateway.support.js'
import { ServiceHealth } from './service-health.js'

/** Found out anew with every question: the clock has moved on each time. */
function healthOf(bus: FakeBus): () => Promise<string | undefined> {
  const { health, pass } = timedHealthOf(bus)
  return async () => {
    pass(5_001)
    return (await health.unreadiness())?.message
  }
}

function timedHealthOf(
  bus: FakeBus,
  options?: { expected: boolean },
): { health: ServiceHealth; pass: (ms: number) => void } {
  // Whole, since sums of fractions may fall short of what they stand for.
  let nowMs = Math.ceil(performance.now())
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  onTestFinished(() => void clock.mockRestore())
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { health: new ServiceHealth(bus.asBus(), options), pass }
}

it('a service that never answered keeps nobody from being ready; one that did and does not, does', async () => {
  const bus = new FakeBus()
  const unreadiness = healthOf(bus)
  expect(await unreadiness()).toBeUndefined()
  const memory = await bus.serve(topics.memory.query, { group: 'memory' }, async () => ({
    memories: [],
    total: 0,
  }))
  expect(await unreadiness()).toBeUndefined()
  await memory.stop()
  expect(await unreadiness()).toBe('The memory does not answer.')
})

it('where both services are expected, it is not ready before both have answered, and soon after they have', async () => {
  const bus = new FakeBus()
  const { health, pass } = timedHealthOf(bus, { expected: true })
  const told = async () => (await health.unreadiness())?.message
  expect(await told()).toBe('The conscience does not answer yet. The memory does not answer yet.')
  bus.answer(topics.memory.query, async () => ({ memories: [], total: 0 }))
  pass(1_001)
  expect(await told()).toBe('The conscience does not answer yet.')
  bus.answer(pingOf(topics.conscience.evaluate.topic, 'conscience'), async () => {
    throw new RequestError('unknown-action', 'no such action')
  })
  pass(1_001)
  expect(await told()).toBeUndefined()
})

it('a memory that refuses is no memory that is ready, and is once it answers again', async () => {
  const bus = new FakeBus()
  const unreadiness = healthOf(bus)
  bus.answer(topics.memory.query, async () => {
    throw new RequestError('storage-damaged', 'The memory file is damaged.')
  })
  expect(await unreadiness()).toBe('The memory refuses: The memory file is damaged.')
  bus.answer(topics.memory.query, async () => ({ memories: [], total: 0 }))
  expect(await unreadiness()).toBeUndefined()
})

it('a conscience that does not know the question was there to say so', async () => {
  const bus = new FakeBus()
  const unreadiness = healthOf(bus)
  bus.answer(pingOf(topics.conscience.evaluate.topic, 'conscience'), async () => {
    throw new RequestError('unknown-action', 'no such action')
  })
  expect(await unreadiness()).toBeUndefined()
})

it('is found out once, however many ask at a time', async () => {
  const bus = new FakeBus()
  const health = new ServiceHealth(bus.asBus())
  await Promise.all(Array.from({ length: 50 }, () => health.unreadiness()))
  expect(bus.requests).toHaveLength(2)
})

it('a broker that takes no requests lets nobody be ready, whoever answered before', async () => {
  const bus = new FakeBus()
  const unreadiness = healthOf(bus)
  bus.answer(topics.memory.query, async () => {
    throw new PublishError('refused', 'the disk is full', { reasonCode: 0x97, retryable: true })
  })
  expect(await unreadiness()).toBe('The message broker takes no requests.')
})

it('a call that fails has it found out again a second later, and one that is answered shows who is there', async () => {
  const bus = new FakeBus()
  const { health, pass } = timedHealthOf(bus)
  expect(await health.unreadiness()).toBeUndefined()
  health.noteOutcome('memory.get', undefined)
  pass(999)
  health.noteOutcome('memory.get', new RequestTimeoutError('t', 'get', 1000))
  expect(await health.unreadiness()).toBeUndefined()
  pass(1)
  expect((await health.unreadiness())?.message).toBe('The memory does not answer.')
})

it('a call that was wrong itself says nothing about who answers', async () => {
  const bus = new FakeBus()
  const { health, pass } = timedHealthOf(bus)
  await health.unreadiness()
  health.noteOutcome('memory.get', new RemoteError('not-found', 'no such memory', false))
  pass(4_000)
  await health.unreadiness()
  expect(bus.requests).toHaveLength(2)
})
