import { signToken } from '@jamey/auth'
import { type ConnectOptions, connect } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeFolder, type System, secretsOf, startSystem } from './program.js'

let system: System

beforeAll(async () => {
  system = await startSystem()
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

async function open(clientId: string, options: ConnectOptions = {}) {
  const { ca, secret } = secretsOf(system.folder)
  const password = await signToken({ sub: clientId, permissions: ['jamey/test/#'] }, secret)
  return connect({
    url: `mqtts://127.0.0.1:${system.port}`,
    clientId,
    tls: { ca },
    credentials: { username: clientId, password },
    reconnect: false,
    ...options,
  })
}

describe('what the broker acknowledged', () => {
  it('is there after kill -9: sessions, queued messages, retained messages [promise 33]', async () => {
    const sleeper = await open('sleeper', { cleanStart: false, sessionExpirySeconds: 3600 })
    await sleeper.subscribe('jamey/test/queue', { qos: 1 }, () => undefined)
    await sleeper.close()
    const speaker = await open('speaker')
    const sent = Array.from({ length: 200 }, (_, i) => String(i))
    await Promise.all(sent.map((text) => speaker.publish('jamey/test/queue', text, { qos: 1 })))
    await speaker.publish('jamey/test/retained', 'kept', { qos: 1, retain: true })

    await system.program.stop('SIGKILL')
    await speaker.close()
    system = await startSystem(system.folder)

    const seen: string[] = []
    const awake = await open('sleeper', {
      cleanStart: false,
      sessionExpirySeconds: 3600,
      onUnhandledMessage: (message) => {
        seen.push(Buffer.from(message.payload).toString())
      },
    })
    await expect.poll(() => seen.length).toBe(sent.length)
    expect(seen).toEqual(sent)
    const retained = new Promise<string>((resolve) => {
      awake.subscribe('jamey/test/retained', (message) => resolve(Buffer.from(message.payload).toString()))
    })
    expect(await retained).toBe('kept')
    await awake.close()
  })
})
