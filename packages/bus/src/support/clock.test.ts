import { Permissions, TokenSource } from '@jamey/auth'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import { Renewal } from '../entry/renewal.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { systemClock } from './clock.js'

const DAY_SECONDS = 86_400

describe('durations that no timer of the system holds', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are waited for: heartbeats of every 25 days come every 25 days', async () => {
    const broker = new FakeBroker()
    const permissions = ['publish:jamey/events/heartbeat']
    const config = {
      url: 'mqtt://fake',
      clientId: 'me',
      permissions,
      component: { name: 'memory', version: '1.2.3' },
      heartbeatSeconds: 25 * DAY_SECONDS,
    }
    const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'me' }), broker.connect('me'))
    await vi.advanceTimersByTimeAsync(60 * DAY_SECONDS * 1000)
    expect(broker.to('jamey/events/heartbeat')).toHaveLength(2)
    await bus.close({ drain: false })
  })

  it('are waited for: a token of 30 days is renewed 30 seconds before its end', async () => {
    const client = new FakeBroker().connect('me')
    const source = new TokenSource({
      secret: 'a secret of at least 32 bytes, for tests',
      subject: 'me',
      permissions: ['jamey/#'],
      lifetimeSeconds: 30 * DAY_SECONDS,
      now: () => 1_800_000_000_000,
    })
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
    const renewal = new Renewal(source, { ...systemClock, timeOfDay: () => 1_800_000_000_000 }, log)
    renewal.watch(client)
    await renewal.credentials({ reason: 'connect' })
    await vi.advanceTimersByTimeAsync((30 * DAY_SECONDS - 31) * 1000)
    expect(client.reauthentications).toBe(0)
    await vi.advanceTimersByTimeAsync(2000)
    expect(client.reauthentications).toBeGreaterThan(0)
    renewal.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
