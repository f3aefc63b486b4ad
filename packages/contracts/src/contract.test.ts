import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { addressOf, messagesFilterOf, namesSender } from './address.js'
import { OPERATION_NAMES } from './api.js'
import { atKeeper, keeperOf } from './approvals.js'
import { COMPONENTS } from './components.js'
import { filterOf, isRequestContract, parametersOf, topicOf } from './contract.js'
import { firstIssue } from './parsing.js'
import {
  answersFilter,
  CONTRACTS,
  inboxFilter,
  inboxTopic,
  isInboxOf,
  isInboxTopic,
  OPERATIONS,
  topics,
} from './topics.js'

const { status } = topics.events

describe('contracts', () => {
  it('have the topics that other programs know', () => {
    const found = [...CONTRACTS.map(({ topic }) => topic), topics.api.responses.topic]
    expect([...new Set(found)].sort()).toEqual([
      'jamey/api/requests',
      'jamey/api/responses/{client_id}/#',
      'jamey/broker/disconnect',
      'jamey/broker/query',
      'jamey/conscience/approvals-answer/{keeper}',
      'jamey/conscience/approvals-list',
      'jamey/conscience/approvals-use/{keeper}',
      'jamey/conscience/approvals/{approval_id}/{client_id}',
      'jamey/conscience/evaluate',
      'jamey/conscience/facts/{request_digest}/{client_id}',
      'jamey/conscience/keys/{client_id}',
      'jamey/conscience/reports',
      'jamey/conscience/results',
      'jamey/conscience/sessions/{client_id}',
      'jamey/conscience/verdicts-list/{conscience}',
      'jamey/events/errors',
      'jamey/events/heartbeat',
      'jamey/events/leases/{group}',
      'jamey/events/status/{client_id}',
      'jamey/memory/consolidate',
      'jamey/memory/forget',
      'jamey/memory/others/consolidate',
      'jamey/memory/others/forget',
      'jamey/memory/others/query',
      'jamey/memory/others/store',
      'jamey/memory/others/update',
      'jamey/memory/query',
      'jamey/memory/store',
      'jamey/memory/update',
      'jamey/memory/updates',
    ])
  })

  it('are all listed, each with a topic and action of its own', () => {
    const { responses: _, ...api } = topics.api
    const { others, ...memory } = topics.memory
    const { approvals, ...conscience } = topics.conscience
    const parts = [conscience, approvals, memory, others, topics.events, api, topics.broker]
    const all = parts.flatMap((part) => Object.values(part))
    expect(new Set(CONTRACTS)).toEqual(new Set(all))
    expect(new Set(CONTRACTS.map(({ topic, action }) => `${topic} ${action}`)).size).toBe(CONTRACTS.length)
  })

  it('lie below no other one, or a message of the lower would look like one by a sender of the upper', () => {
    for (const upper of CONTRACTS) {
      for (const lower of CONTRACTS)
        expect(addressOf(upper, `${lower.topic}`)?.topic ?? lower.topic).toBe(lower.topic)
    }
  })

  it('use QoS 0 where the next message makes up for a lost one, and never QoS 2', () => {
    expect(CONTRACTS.filter(({ qos }) => qos === 0)).toEqual([topics.events.heartbeat, topics.events.leases])
    expect(CONTRACTS.filter(({ retain }) => retain)).toEqual([
      topics.conscience.facts,
      topics.conscience.keys,
      topics.conscience.approvals.state,
      status,
    ])
  })

  it('can all be written as JSON Schema', () => {
    for (const contract of CONTRACTS) {
      expect(new Set(shapesOf(contract.schema))).toEqual(new Set(['object']))
      if (isRequestContract(contract)) {
        expect(new Set(shapesOf(contract.responseSchema))).toEqual(new Set(['object']))
      }
    }
  })

  it('stand behind every operation of the API', () => {
    expect(Object.keys(OPERATIONS)).toEqual([...OPERATION_NAMES])
    for (const contract of Object.values(OPERATIONS)) expect(isRequestContract(contract)).toBe(true)
  })
})

describe('topic parameters', () => {
  it('are filled in, matched by + where they are open, and read back', () => {
    expect(topicOf(status, { client_id: 'a b' })).toBe('jamey/events/status/a b')
    expect(filterOf(status)).toBe('jamey/events/status/+')
    expect(filterOf(status, { client_id: 'a' })).toBe('jamey/events/status/a')
    expect(parametersOf(status, 'jamey/events/status/a')).toEqual({ client_id: 'a' })
    expect(parametersOf(status, 'jamey/events/status/a/b')).toBeUndefined()
    expect(parametersOf(status, 'jamey/events/errors/a')).toBeUndefined()
    expect(topicOf(topics.memory.store)).toBe('jamey/memory/store')
  })

  it('must be given and must be one plain level', () => {
    expect(() => topicOf(status)).toThrow('needs the parameter client_id')
    for (const client_id of ['', 'a/b', '+', 'x#', '\0']) {
      expect(() => topicOf(status, { client_id })).toThrow(TypeError)
      expect(() => filterOf(status, { client_id })).toThrow(TypeError)
    }
  })
})

describe('the sender in a topic', () => {
  const { updates } = topics.memory
  const readings = { topic: 'lab/{station}/readings' }

  it('stands behind the topic of the contract, unless that ends with it already', () => {
    expect([namesSender(status), namesSender(updates), namesSender(readings)]).toEqual([true, false, false])
    expect(messagesFilterOf(updates)).toBe('jamey/memory/updates/#')
    expect(messagesFilterOf(readings, { station: 'north' })).toBe('lab/north/readings/#')
    expect(messagesFilterOf(status)).toBe('jamey/events/status/+')
  })

  it.each([
    [updates, 'jamey/memory/updates', { topic: 'jamey/memory/updates', sender: undefined }],
    [updates, 'jamey/memory/updates/a b', { topic: 'jamey/memory/updates', sender: 'a b' }],
    [updates, 'jamey/memory/updates/a/b', undefined],
    [updates, 'jamey/memory/update/a', undefined],
    [updates, 'jamey', undefined],
    [readings, 'lab/north/readings', { topic: 'lab/north/readings', sender: undefined }],
    [readings, 'lab/north/readings/eva', { topic: 'lab/north/readings', sender: 'eva' }],
    [readings, 'lab/readings/eva', undefined],
    [status, 'jamey/events/status/eva', { topic: 'jamey/events/status/eva', sender: 'eva' }],
    [status, 'jamey/events/status/eva/eva', undefined],
  ])('is read from where a message of %o came: %s', (contract, topic, address) => {
    expect(addressOf(contract, topic)).toEqual(address)
  })
})

describe('the reply inbox', () => {
  it('is below jamey/api/responses/<client id>', () => {
    expect(inboxFilter('a')).toBe('jamey/api/responses/a/#')
    expect(topics.api.responses.topic.replace('{client_id}', 'a')).toBe(inboxFilter('a'))
    expect(isInboxTopic(inboxTopic('a', 'memory', 'x'))).toBe(true)
    expect(isInboxTopic('jamey/api/responses/')).toBe(false)
    expect(isInboxTopic('jamey/conscience/results')).toBe(false)
  })

  it('has a level for each service, whose answers alone come there', () => {
    const topic = inboxTopic('eva', 'memory', 'x')
    expect(topic).toBe('jamey/api/responses/eva/memory/x')
    expect(answersFilter('memory')).toBe('jamey/api/responses/+/memory/#')
    expect(isInboxOf(topic, 'eva', 'memory')).toBe(true)
    expect(isInboxOf(`${topic}/y`, 'eva', 'memory')).toBe(true)
    for (const other of [
      'eva/memory',
      'eva/memory/',
      'eva/api/x',
      'ev/memory/x',
      'evan/memory/x',
      'eva/memor/yx',
    ]) {
      expect(isInboxOf(`jamey/api/responses/${other}`, 'eva', 'memory'), other).toBe(false)
    }
    expect(isInboxOf('jamey/api/response/eva/memory/x', 'eva', 'memory')).toBe(false)
    expect(isInboxOf('jamey/api/responsesXevaXmemoryXx', 'eva', 'memory')).toBe(false)
  })
})

describe('the schemas', () => {
  const id = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
  it.each([
    [topics.memory.forget, { id }],
    [topics.memory.forget, { layer: 'working', before: '2024-11-14T21:00:00.5+01:00' }],
    [topics.memory.query, {}],
    [topics.conscience.evaluate, { action: 'x', context: { any: ['thing'] }, user: {} }],
    [
      topics.conscience.evaluate,
      { tool: 'Bash', arguments: { command: 'ls' }, call_id: 'c', session_id: 's' },
    ],
    [topics.conscience.evaluate, { tool: 'x', annotations: { title: 'X', readOnlyHint: true } }],
    [topics.api.requests, { operation: 'memory.forget', input: {} }],
  ])('accept what the documents promise: %#', ({ schema }, data) => {
    expect(schema.safeParse(data).success).toBe(true)
  })

  it.each([
    ['nothing to forget by', topics.memory.forget, {}],
    ['id and conditions', topics.memory.forget, { id, layer: 'working' }],
    ['a time without zone', topics.memory.forget, { before: '2024-11-14T20:00:00' }],
    ['no action', topics.conscience.evaluate, { action: '' }],
    ['a long action', topics.conscience.evaluate, { action: 'x'.repeat(10_001) }],
    ['a field with a typing error', topics.conscience.evaluate, { action: 'x', contxt: {} }],
    ['a call and words at once', topics.conscience.evaluate, { tool: 'x', action: 'x' }],
    ['arguments that are no object', topics.conscience.evaluate, { tool: 'x', arguments: [] }],
    ['a limit of none', topics.memory.query, { limit: 0 }],
    ['a limit of too many', topics.memory.query, { limit: 101 }],
    ['half an offset', topics.memory.query, { offset: 0.5 }],
    ['an importance over 1', topics.memory.store, { content: 'x', importance: 1.1 }],
    ['no number', topics.memory.store, { content: 'x', importance: Number.NaN }],
    ['an unknown operation', topics.api.requests, { operation: 'conscience.results', input: {} }],
  ])('refuse %s', (_, { schema }, data) => {
    expect(schema.safeParse(data).success).toBe(false)
  })

  it('give each message defaults of its own', () => {
    const { schema } = topics.conscience.evaluate
    const first = schema.parse({ tool: 'a' })
    if ('tool' in first) first.arguments['changed'] = true
    expect(schema.parse({ tool: 'b' })).toEqual({ tool: 'b', arguments: {} })
  })
})

describe('the id of an approval', () => {
  const { schema } = topics.conscience.approvals.revoke
  const uuid = '7c1d2e3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f'

  it('names who keeps it, and is one level of a topic', () => {
    const approval_id = `${uuid}.jamey-conscience.2`
    expect(schema.safeParse({ approval_id }).success).toBe(true)
    expect(keeperOf(approval_id)).toBe('jamey-conscience.2')
    const { answer } = topics.conscience.approvals
    expect(atKeeper(answer, keeperOf(approval_id)).topic).toBe(
      'jamey/conscience/approvals-answer/jamey-conscience.2',
    )
  })

  it.each(['', uuid, `${uuid}.`, `${uuid}.a/b`, `${uuid}.+`, `${uuid}.#`, `x${uuid}.a`, `${uuid}.a\n`])(
    'is not %j',
    (approval_id) => expect(schema.safeParse({ approval_id }).success).toBe(false),
  )
})

describe('the manifest', () => {
  it('grants each service what its contracts need and nothing of other parts', () => {
    expect(COMPONENTS.conscience.permissions).toEqual([
      'subscribe:$share/conscience/jamey/conscience/evaluate/#',
      'subscribe:jamey/conscience/evaluate/#',
      'publish:jamey/conscience/evaluate',
      'publish:jamey/events/leases/conscience',
      'subscribe:jamey/events/leases/conscience/#',
      'subscribe:jamey/events/status/#',
      'subscribe:$share/conscience/jamey/conscience/reports/#',
      'subscribe:jamey/conscience/reports/#',
      'publish:jamey/conscience/reports',
      'publish:jamey/conscience/sessions/%c',
      'subscribe:jamey/conscience/sessions/#',
      'publish:jamey/conscience/results',
      'publish:jamey/conscience/keys/%c',
      'subscribe:$share/conscience/jamey/conscience/approvals-list/#',
      'subscribe:jamey/conscience/approvals-list/#',
      'publish:jamey/conscience/approvals-list',
      'subscribe:$share/conscience/jamey/conscience/verdicts-list/%c/#',
      'subscribe:jamey/conscience/verdicts-list/%c/#',
      'publish:jamey/conscience/verdicts-list/%c',
      'subscribe:$share/conscience/jamey/conscience/approvals-answer/%c/#',
      'subscribe:jamey/conscience/approvals-answer/%c/#',
      'publish:jamey/conscience/approvals-answer/%c',
      'subscribe:$share/conscience/jamey/conscience/approvals-use/%c/#',
      'subscribe:jamey/conscience/approvals-use/%c/#',
      'publish:jamey/conscience/approvals-use/%c',
      'publish:jamey/conscience/approvals-use/+',
      'publish:jamey/conscience/approvals/+/%c',
      'subscribe:jamey/conscience/approvals/#',
      'subscribe:jamey/conscience/facts/#',
      'publish:jamey/api/responses/+/conscience/#',
      'publish:jamey/events/heartbeat',
      'publish:jamey/events/errors',
    ])
    expect(COMPONENTS.memory.permissions.some((one) => one.includes('conscience'))).toBe(false)
    expect(COMPONENTS.memory.permissions).toContain('publish:jamey/api/responses/+/memory/#')
    expect(COMPONENTS.gateway.permissions).toContain('publish:jamey/api/responses/+/api/#')
    expect(COMPONENTS.gateway.permissions).toContain('publish:jamey/events/leases/api')
    const subscriptions = COMPONENTS.gateway.permissions.filter((one) => !one.startsWith('publish:'))
    expect(subscriptions).toEqual([
      'subscribe:$share/api/jamey/api/requests/#',
      'subscribe:jamey/api/requests/#',
      'act-for:+',
      'subscribe:jamey/conscience/keys/#',
      'subscribe:jamey/events/#',
    ])
  })

  it('bounds the metadata of a memory in bytes, and names them', () => {
    const { schema } = topics.memory.store
    const of = (bytes: number, filler = 'x') => ({
      content: 'a',
      metadata: { a: filler.repeat((bytes - '{"a":""}'.length) / Buffer.byteLength(filler)) },
    })
    expect(schema.safeParse(of(65_536)).success).toBe(true)
    expect(schema.safeParse(of(65_536, '\u00e9')).success).toBe(true)
    for (const beyond of [of(65_537), of(65_538, '\u00e9'), of(8_000_000)]) {
      const { error } = schema.safeParse(beyond)
      expect(error?.issues).toEqual([
        expect.objectContaining({ path: ['metadata'], message: 'must be at most 65536 bytes as JSON' }),
      ])
    }
  })

  it('lets the gateway alone act for others, and nobody into the group of another service', () => {
    const groups = {
      conscience: ['conscience'],
      memory: ['memory'],
      gateway: ['api'],
      broker: ['broker'],
      operator: [],
    }
    for (const [name, { permissions }] of Object.entries(COMPONENTS)) {
      const shared = permissions.flatMap((one) => /^subscribe:\$share\/([^/]+)\//.exec(one)?.[1] ?? [])
      expect([name, [...new Set(shared)]]).toEqual([name, groups[name as keyof typeof groups]])
      expect(permissions.includes('act-for:+')).toBe(name === 'gateway')
    }
  })

  it('names every client differently', () => {
    const names = Object.values(COMPONENTS).map(({ clientId }) => clientId)
    expect(new Set(names).size).toBe(names.length)
  })
})

/** The types of a schema: several where it takes several shapes. */
function shapesOf(schema: z.ZodType): unknown[] {
  const { anyOf, oneOf, type } = z.toJSONSchema(schema)
  return (anyOf ?? oneOf)?.map((shape) => (shape as { type?: unknown }).type) ?? [type]
}

describe('the first issue', () => {
  it('of a choice that says what is expected is what it says', () => {
    const parsed = topics.memory.store.schema.safeParse({ content: 'x', scope: 'group:Nope' })
    expect(firstIssue(parsed.error?.issues ?? [])).toMatchObject({
      path: ['scope'],
      message: expect.stringContaining("'shared' or 'group:<name>'"),
    })
  })

  const told = (data: unknown): string => {
    const parsed = topics.conscience.evaluate.schema.safeParse(data)
    const issue = firstIssue(parsed.error?.issues ?? [])
    return `${issue?.path.join('.')} ${issue?.code}`
  }

  it.each([
    [{ action: '' }, 'action too_small'],
    [{ action: 'x', contxt: {} }, ' unrecognized_keys'],
    [{ action: 'x', tool: 'x' }, 'action custom'],
    [{ tool: 'x', argument: {} }, ' unrecognized_keys'],
    [{ tool: 'x', arguments: [] }, 'arguments invalid_type'],
    [{ tool: 'x', annotations: { readOnlyHint: 1 } }, 'annotations.readOnlyHint invalid_type'],
    [{}, 'tool invalid_type'],
    [null, ' invalid_type'],
  ])('of %j is that of the shape which comes nearest', (data, expected) => {
    expect(told(data)).toBe(expected)
  })
})
