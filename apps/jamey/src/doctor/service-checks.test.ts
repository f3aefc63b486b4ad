import type { Bus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { expect, it } from 'vitest'
import { checkServices } from './service-checks.js'

/** A bus whose services answer, the memory with this index. */
function busWith(index: object): Bus {
  const bus = {
    subscribe: () => Promise.resolve(),
    request: (contract: object) => Promise.resolve(contract === topics.memory.stats ? { index } : {}),
  }
  return bus as unknown as Bus
}

it.each([
  [{}, []],
  [{ vectors: { model: 'm', missing: 0 } }, []],
  [
    { vectors: { model: 'm', fault: 'The endpoint of embeddings answered with 500.' } },
    ['memories are found by their words alone: The endpoint of embeddings answered with 500.'],
  ],
])('the doctor tells that no vectors are made: %j', async (index, told) => {
  const findings = await checkServices(busWith(index), 'all')
  expect(findings.filter(({ status }) => status === 'ok')).toHaveLength(3)
  expect(findings.filter(({ check }) => check === 'embeddings').map(({ message }) => message)).toEqual(told)
})
