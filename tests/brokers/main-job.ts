import { topics } from '@jamey/contracts'
import { faultUnless, type Scene, type Seen, within } from './scene.js'
import { ask, type SystemUnderTest } from './system.js'

const { memory } = topics
const HTTP_MS = 15_000

/** What everybody comes for, over MQTT: an action is judged; something is stored, found and forgotten. */
export const mainJob: Scene = {
  key: 'main-job',
  title: 'main job over MQTT',
  async play(system): Promise<Seen> {
    const bus = await system.bus('asker')
    const { decision, requested_by } = await ask(bus, 'delete all customer records')
    const { memory: stored } = await bus.request(memory.store, { content: 'the key is under the mat' })
    const found = await bus.request(memory.query, { query: 'key mat' })
    const { forgotten } = await bus.request(memory.forget, { id: stored.id })
    const after = await bus.request(memory.query, { query: 'key mat' })
    const faults = [
      ...faultUnless(decision === 'ask', `judged ${decision}`),
      ...faultUnless(requested_by === 'asker', `judged for ${requested_by}`),
      ...faultUnless(found.memories[0]?.id === stored.id, 'what was stored is not found'),
      ...faultUnless(forgotten === 1, `${forgotten} forgotten of 1`),
      ...faultUnless(after.total === 0, 'what was forgotten is found'),
    ]
    return { text: faults.length === 0 ? 'yes' : 'no', faults }
  },
}

/** The same over HTTP, through gateway, broker and services. */
export const overHttp: Scene = {
  key: 'http',
  title: 'over HTTP',
  async play(system): Promise<Seen> {
    const verdict = await call(system, 'POST', '/v1/conscience/evaluate', {
      action: 'delete all customer records',
    })
    const stored = await call(system, 'POST', '/v1/memories', { content: 'lisbon has seven hills' })
    const id = stored.body.memory?.id ?? stored.body.id
    const found = await call(system, 'GET', '/v1/memories?q=lisbon')
    const forgotten = await call(system, 'DELETE', `/v1/memories/${id}`)
    const ready = await call(system, 'GET', '/readyz')
    const faults = [
      ...faultUnless(verdict.body.decision === 'ask', `evaluate: ${verdict.status}`),
      ...faultUnless(typeof id === 'string', `store: ${stored.status}`),
      ...faultUnless(found.body.memories?.some((one) => one.id === id) === true, `recall: ${found.status}`),
      ...faultUnless(forgotten.status < 300, `forget: ${forgotten.status}`),
      ...faultUnless(ready.status === 200, `readyz: ${ready.status}`),
    ]
    return { text: faults.length === 0 ? 'yes' : 'no', faults }
  },
}

interface Answer {
  readonly decision?: string
  readonly id?: string
  readonly memory?: { readonly id: string }
  readonly memories?: readonly { readonly id: string }[]
}

async function call(
  { http }: SystemUnderTest,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Answer }> {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) }
  const response = await within(HTTP_MS, `${method} ${path}`, fetch(`${http}${path}`, init))
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} }
}
