import { beforeEach, describe, expect, it } from 'vitest'
import { recorded, startTested, type Tested } from '../service/authz.support.js'

describe('RabbitMQ', () => {
  let at: Tested
  beforeEach(async () => {
    at = await startTested()
  })

  const user = async (clientId: string, permissions: readonly string[]) =>
    at.askForm('/rabbitmq/user', recorded.rabbitUser(clientId, await at.token(clientId, permissions)))
  const topic = (clientId: string, permission: 'write' | 'read', key: string) =>
    at.askForm('/rabbitmq/topic', recorded.rabbitTopic(clientId, permission, key))

  it('lets a client in by its token, without any tag, and into its virtual host', async () => {
    expect(await at.askForm('/rabbitmq/vhost', recorded.rabbitVhost('eva'))).toBe('deny')
    expect(await user('eva', [])).toBe('allow')
    expect(await at.askForm('/rabbitmq/vhost', recorded.rabbitVhost('eva'))).toBe('allow')
    expect(await at.askForm('/rabbitmq/vhost', { ...recorded.rabbitVhost('eva'), vhost: 'other' })).toBe(
      'deny',
    )
    expect(await at.askForm('/rabbitmq/vhost', { ...recorded.rabbitVhost('eva'), client_id: 'bob' })).toBe(
      'deny',
    )
  })

  it('lets nobody else in', async () => {
    const token = await at.token('eva', ['#'])
    const body = recorded.rabbitUser('eva', token)
    for (const change of [
      { client_id: 'bob' },
      { username: 'bob' },
      { username: 'bob', client_id: 'bob' },
      { client_id: '' },
      { password: '' },
      { password: 'x' },
      { vhost: 'other' },
    ]) {
      expect(await at.askForm('/rabbitmq/user', { ...body, ...change })).toBe('deny')
    }
    // A client of AMQP has no client identifier.
    expect(await at.askForm('/rabbitmq/user', { username: 'eva', password: token, vhost: '/' })).toBe('deny')
    // Without a password it would be a certificate's name, which is no proof here.
    expect(await at.askForm('/rabbitmq/user', { username: 'eva', vhost: '/' })).toBe('deny')
  })

  it.each([
    ['write', 'app.x.1', 'allow'],
    ['write', 'app', 'allow'],
    ['write', 'application', 'deny'],
    ['write', 'app.*', 'allow'],
    ['write', 'app.#', 'deny'],
    ['write', 'jamey.events.status.eva', 'allow'],
    ['write', 'jamey.events.status.bob', 'deny'],
    ['read', 'app.x.#', 'allow'],
    ['read', 'app.*.x', 'allow'],
    ['read', '#', 'deny'],
    ['read', '*', 'deny'],
    ['read', '*.x', 'deny'],
    ['read', 'one.*', 'allow'],
    ['read', 'one.x', 'allow'],
    ['read', 'one.#', 'deny'],
    ['read', 'one.*.x', 'deny'],
    ['read', 'app.#.x', 'deny'],
    ['read', 'jamey.api.responses.eva.#', 'allow'],
    ['read', 'jamey.api.responses.bob.#', 'deny'],
    ['read', 'jamey.api.responses.*.#', 'deny'],
    ['read', '$share.g.app.x', 'deny'],
  ] as const)('has the topics of MQTT by another name: %s %s is %s', async (permission, key, expected) => {
    await user('eva', ['app/#', 'subscribe:one/+'])
    expect(await topic('eva', permission, key)).toBe(expected)
  })

  it('is refused clients whose own topics would be those of others', async () => {
    for (const clientId of ['eva.x', '*', '.']) expect(await user(clientId, [])).toBe('deny')
    await user('eva', [])
    expect(await topic('eva.x', 'read', 'jamey.api.responses.eva.x.#')).toBe('deny')
  })

  it.each([
    ['queue', 'mqtt-subscription-evaqos0', 'configure', 'allow'],
    ['queue', 'mqtt-subscription-evaqos1', 'read', 'allow'],
    ['queue', 'mqtt-subscription-evaqos1', 'write', 'allow'],
    ['queue', 'mqtt-subscription-evaqos2', 'write', 'deny'],
    ['queue', 'mqtt-subscription-bobqos1', 'read', 'deny'],
    ['queue', 'mqtt-subscription-', 'read', 'deny'],
    ['queue', 'another', 'read', 'deny'],
    ['exchange', 'amq.topic', 'read', 'allow'],
    ['exchange', 'amq.topic', 'write', 'allow'],
    ['exchange', 'amq.topic', 'configure', 'deny'],
    ['exchange', 'amq.direct', 'write', 'deny'],
    ['exchange', '', 'write', 'deny'],
    ['topic', 'amq.topic', 'write', 'deny'],
    ['queue', 'mqtt-subscription-evaqos1', 'admin', 'deny'],
  ])(
    'gives a client its own queues and the one exchange: %s %s %s is %s',
    async (kind, name, permission, expected) => {
      await user('eva', [])
      const asked = recorded.rabbitResource('eva', kind, name, permission)
      expect(await at.askForm('/rabbitmq/resource', asked)).toBe(expected)
      // A connection that nobody knows has none.
      expect(await at.askForm('/rabbitmq/resource', { ...asked, username: 'bob', client_id: 'bob' })).toBe(
        'deny',
      )
    },
  )

  it('is refused another exchange, another host and what is not asked', async () => {
    await user('eva', ['#'])
    const body = recorded.rabbitTopic('eva', 'write', 'app.1')
    expect(await at.askForm('/rabbitmq/topic', body)).toBe('allow')
    for (const change of [
      { name: 'other' },
      { resource: 'queue' },
      { permission: 'configure' },
      { vhost: 'other' },
      { 'variable_map.client_id': 'bob' },
      { username: 'bob' },
      { username: '' },
    ]) {
      expect(await at.askForm('/rabbitmq/topic', { ...body, ...change })).toBe('deny')
    }
  })

  it('refuses a topic once the token has expired', async () => {
    await user('eva', ['app/#'])
    at.clock.nowMs += 330_000
    expect(await topic('eva', 'write', 'app.1')).toBe('deny')
    expect(await user('eva', ['app/#'])).toBe('allow')
    expect(await topic('eva', 'write', 'app.1')).toBe('allow')
  })
})
