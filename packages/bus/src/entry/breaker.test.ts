import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type BusConfig, connectBus } from '../index.js'

describe('the breaker of a bus', () => {
  it('opens after the failures it was given, fails calls at once, and closes by hand [promise 14]', async () => {
    const port = await freePort()
    const config: BusConfig = {
      url: `mqtt://127.0.0.1:${port}`,
      insecure: true,
      clientId: 'stubborn',
      permissions: ['jamey/#'],
      waitForConnection: false,
      failuresBeforeOpen: 2,
    }
    const bus = await connectBus(config)
    await expect.poll(() => bus.state).toBe('error')
    const request = bus.request(topics.conscience.evaluate, { action: 'ask' }, { timeoutMs: 60_000 })
    await expect(request).rejects.toMatchObject({ code: 'breaker-open', retryable: true })

    const broker = await createBroker({
      listeners: [{ host: '127.0.0.1', port, insecure: true }],
      authenticator: insecureAuthenticator(),
    })
    await broker.listen()
    bus.mqtt.reset()
    await expect.poll(() => bus.state).toBe('connected')
    await bus.close()
    await broker.close()
  })
})
