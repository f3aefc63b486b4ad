import { encodeEnvelope } from '@jamey/bus'
import type { UserProperty } from '@jamey/protocol'
import { until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { Carrier, type SideFacts } from './carrier.js'
import { statusOf } from './status.js'
import { bridged, carried, listen, TestBroker } from './two-brokers.support.js'

const side = (name: string, stamped: boolean, more: Partial<SideFacts> = {}): SideFacts => ({
  name,
  stamps: (topic) => stamped && topic.startsWith('jamey/'),
  guards: () => stamped,
  hasProperties: true,
  maximumQos: 2,
  actFor: ['jamey-gateway'],
  ...more,
})

const STAMPING = side('ours', true)
const BY_TOPIC = side('other', false)

function envelope(topic: string, clientId: string): Buffer {
  return encodeEnvelope({
    message_id: '7f0c3c1e-0d2b-4a53-8a2e-1f3b0c9d7e11',
    timestamp: '2026-11-30T12:00:00.000Z',
    topic,
    payload: { action: 'evaluate', data: { action: 'read "topic" {', topic: 'jamey/in/data' } },
    metadata: { client_id: clientId, correlation_id: '7f0c3c1e-0d2b-4a53-8a2e-1f3b0c9d7e12' },
  })
}

function message(
  topic: string,
  userProperties: readonly UserProperty[],
  payload: Uint8Array = Buffer.from('m'),
) {
  return { topic, payload, qos: 1, retain: false, dup: false, properties: { userProperties } } as const
}

function carry(from: SideFacts, to: SideFacts, given: ReturnType<typeof message>, relays = ['+']) {
  const copy = new Carrier({ from, to, relays, isRetained: () => false }).carry(given)
  if (typeof copy === 'string') return copy
  return {
    topic: copy.topic,
    text: Buffer.from(copy.payload).toString(),
    told: copy.properties.userProperties,
  }
}

const EVALUATE = 'jamey/conscience/evaluate'
const sender = (clientId: string): UserProperty => ['jamey-sender', clientId]
const actFor = (clientId: string): UserProperty => ['jamey-act-for', clientId]
const passed = (name: string): UserProperty => ['jamey-bridge', name]

describe('who sent a message that is carried over', () => {
  it('is told to a broker that stamps as it was told by one [promise 40]', () => {
    const given = message(EVALUATE, [['a', '1'], sender('ada'), actFor('+')])
    expect(carry(STAMPING, side('too', true), given)).toEqual({
      topic: EVALUATE,
      text: 'm',
      told: [['a', '1'], passed('ours'), sender('ada'), actFor('+')],
    })
  })

  it('stands in the topic, and the envelope with it, where the other broker tells nobody [promise 40]', () => {
    const given = message(EVALUATE, [sender('ada'), actFor('+')], envelope(EVALUATE, 'ada'))
    const copy = carry(STAMPING, BY_TOPIC, given)
    const topic = `${EVALUATE}/ada`
    expect(copy).toEqual({ topic, text: envelope(topic, 'ada').toString(), told: [passed('ours')] })
  })

  it.each([
    ['a status', 'jamey/events/status/ada', 'ada'],
    ['what named its sender before', `${EVALUATE}/ada`, 'ada'],
    ['an answer', 'jamey/api/responses/eva/conscience/answers', 'jamey-conscience'],
  ])('stays in the topic of %s', (_what, topic, clientId) => {
    expect(carry(STAMPING, BY_TOPIC, message(topic, [sender(clientId)]))).toMatchObject({ topic })
  })

  it('is who may publish there, coming from a broker whose topics tell it', () => {
    const topic = `${EVALUATE}/ada`
    expect(carry(BY_TOPIC, STAMPING, message(topic, [sender('eve'), actFor('+')]))).toMatchObject({
      topic,
      told: [passed('other'), sender('ada')],
    })
    expect(carry(BY_TOPIC, STAMPING, message(`${EVALUATE}/jamey-gateway`, []))).toMatchObject({
      told: [passed('other'), sender('jamey-gateway'), actFor('+')],
    })
    const inbox = 'jamey/api/responses/ada/conscience/answers'
    const answer = message(inbox, [], envelope(inbox, 'jamey-conscience'))
    expect(carry(BY_TOPIC, STAMPING, answer)).toMatchObject({
      topic: inbox,
      told: [passed('other'), sender('jamey-conscience')],
    })
  })

  it.each<[string, SideFacts, ReturnType<typeof message>, string]>([
    ['nobody is told of whom it is', STAMPING, message(EVALUATE, []), 'unverified'],
    ['two are told', STAMPING, message(EVALUATE, [sender('ada'), sender('eve')]), 'unverified'],
    ['its topic names nobody', BY_TOPIC, message(EVALUATE, [sender('ada')]), 'unverified'],
    ['its topic names another one', STAMPING, message(`${EVALUATE}/ada`, [sender('eve')]), 'forged'],
    ['it is another one’s status', STAMPING, message('jamey/events/status/ada', [sender('eve')]), 'forged'],
    ['it has been there', STAMPING, message(EVALUATE, [sender('ada'), passed('other')]), 'looped'],
  ])('keeps it here where %s', (_why, from, given, why) => {
    expect(carry(from, from === BY_TOPIC ? STAMPING : BY_TOPIC, given)).toBe(why)
  })

  it('goes with the word for whom it is where that was the word of one who may act for it, and else without', () => {
    const forEva: UserProperty = ['jamey-on-behalf-of', 'eva']
    const too = side('too', true)
    const told = (from: SideFacts, topic: string, more: UserProperty[], relays?: string[]) => {
      const copy = carry(from, too, message(topic, [forEva, ...more]), relays)
      return typeof copy === 'string' ? copy : copy.told?.some(([name]) => name === 'jamey-on-behalf-of')
    }
    expect(told(STAMPING, 'home/lamp', [])).toBe(true)
    expect(told(STAMPING, 'home/lamp', [], ['ada'])).toBe(false)
    expect(told(BY_TOPIC, 'home/lamp', [])).toBe(false)
    expect(told(BY_TOPIC, `${EVALUATE}/ada`, [])).toBe(false)
    expect(told(BY_TOPIC, `${EVALUATE}/jamey-gateway`, [])).toBe(true)
    const unguarded = side('ours', true, { guards: () => false })
    expect(told(unguarded, EVALUATE, [sender('ada'), actFor('eva')])).toBe(true)
    expect(told(unguarded, EVALUATE, [sender('ada'), actFor('bob')])).toBe(false)
  })

  it('has to be one of those whom the bridge relays for, and so do those whom he may act for', () => {
    const given = message(EVALUATE, [sender('ada'), actFor('bob'), actFor('eve')])
    expect(carry(STAMPING, side('too', true), given, [])).toBe('not-relayed')
    expect(carry(STAMPING, side('too', true), given, ['ada', 'bob'])).toMatchObject({
      told: [passed('ours'), sender('ada'), actFor('bob')],
    })
    // Nothing is claimed of what is not ours.
    expect(carry(STAMPING, BY_TOPIC, message('lab/a', []), [])).toMatchObject({ topic: 'lab/a' })
  })

  it('is told by the other broker, which believes the bridge as far as it relays', async () => {
    const [one, two] = [await TestBroker.start(), await TestBroker.start()]
    const ports = [one.port, two.port] as const
    const bridge = await bridged({ ports, carried: [carried(0, 'jamey/#')], relays: ['ada', 'gateway'] })
    const heard = await listen(await two.client('reader'), 'jamey/#')
    for (const clientId of ['ada', 'eve', 'gateway']) {
      const client = await one.client(clientId)
      await client.publish('jamey/t', clientId, { qos: 1, properties: { userProperties: [sender('ada')] } })
    }
    await until(() => heard.length === 2)
    expect(heard.map(({ properties }) => properties?.userProperties)).toEqual([
      [passed('ours'), sender('ada')],
      [passed('ours'), sender('gateway')],
    ])
    expect(statusOf(bridge).directions[0]).toMatchObject({ carried: 2, notRelayed: 1 })
  })
})
