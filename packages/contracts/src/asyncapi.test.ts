import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asyncApiDocument } from './asyncapi.js'
import { isRequestContract } from './contract.js'
import { CONTRACTS, topics } from './topics.js'

/** What tests look into; @asyncapi/parser says whether the whole is sound (tests/specifications). */
interface Document {
  readonly channels: Record<string, { address: string | null; parameters?: object; messages: object }>
  readonly operations: Record<string, { action: string; bindings: object; reply?: object }>
  readonly components: { readonly messages: Record<string, object> }
}

const document = asyncApiDocument() as unknown as Document
const READING = {
  topic: 'lab/{station}/readings',
  action: 'reading',
  qos: 0,
  retain: true,
  schema: z.object({ celsius: z.number() }),
  description: 'What a thermometer shows.',
} as const

/** Every `$ref` in a value. */
function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : refsIn(inner)))
}

function at(pointer: string): unknown {
  const path = pointer.replace(/^#\//, '').split('/')
  return path.reduce<unknown>((value, key) => Object(value)[key], document)
}

describe('the AsyncAPI document', () => {
  it('has every topic as a channel with its parameters, and the inbox, whose address is in the request', () => {
    const addresses = Object.values(document.channels).map(({ address }) => address)
    expect(addresses.sort()).toEqual([...new Set(CONTRACTS.map(({ topic }) => topic)), null].sort())
    expect(document.channels['jamey.events.status.client_id']?.parameters).toEqual({
      client_id: { description: expect.stringContaining('client identifier') },
    })
  })

  it('has both sides of every contract, and requests with their answers', () => {
    const requests = CONTRACTS.filter(isRequestContract)
    const names = Object.keys(document.operations)
    const count = (start: string) => names.filter((name) => name.startsWith(start)).length
    expect([count('request.'), count('serve.')]).toEqual([requests.length, requests.length])
    const others = CONTRACTS.length - requests.length
    expect([count('publish.'), count('subscribe.')]).toEqual([others, others])
    expect(document.operations['request.jamey.memory.store.store']).toMatchObject({
      action: 'send',
      bindings: { mqtt: { qos: 1, retain: false } },
      reply: { address: { location: '$message.payload#/metadata/reply_to' } },
    })
    expect(document.operations['publish.jamey.conscience.keys.client_id.keys']?.bindings).toEqual({
      mqtt: { qos: 1, retain: true, bindingVersion: '0.2.0' },
    })
  })

  it('points to nothing that is not there', () => {
    const refs = [...new Set(refsIn(document))]
    expect(refs.length).toBeGreaterThan(100)
    expect(refs.filter((pointer) => at(pointer) === undefined)).toEqual([])
  })

  it("has a message's data as the schema that it is checked with", () => {
    const { $schema: _, ...data } = z.toJSONSchema(topics.events.errors.schema, {
      io: 'input',
      target: 'draft-7',
    })
    expect(data).toMatchObject({ required: ['component', 'kind', 'message', 'retryable'] })
    const envelope = { $ref: '#/components/schemas/envelope' }
    const payload = { required: ['action', 'data'], properties: { action: { const: 'error' }, data } }
    expect(document.components.messages['jamey.events.errors.error']).toMatchObject({
      payload: { allOf: [envelope, { properties: { payload } }] },
    })
  })

  it('describes contracts of anybody, without an inbox where nothing is asked', () => {
    const own = asyncApiDocument([READING], { title: 'The lab', version: '7' }) as unknown as Document
    expect(own).toMatchObject({ info: { title: 'The lab', version: '7' } })
    expect(Object.keys(own.channels)).toEqual(['lab.station.readings'])
    expect(Object.keys(own.operations)).toEqual([
      'publish.lab.station.readings.reading',
      'subscribe.lab.station.readings.reading',
    ])
  })

  it.each([
    [{ ...READING }, /'reading' on lab\/\{station\}\/readings has the same topic and action/],
    [{ ...READING, topic: 'lab/station/readings' }, /a topic that reads like lab\/\{station\}\/readings/],
    [{ ...READING, action: 'other', schema: z.bigint() }, /JSON Schema has no words for/],
  ])('is not made of contracts that cannot be told apart or described', (other, fault) => {
    expect(() => asyncApiDocument([READING, other])).toThrow(fault)
  })
})
