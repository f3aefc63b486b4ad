import { inspect } from 'node:util'
import { FakeClock, FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeHarness, rejection, text } from '../test-support/harness.js'

const { makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

describe('a function as url', () => {
  it('is asked for every attempt, and what it gives holds for that one alone', async () => {
    const peers = [await startPeer(), await startPeer()]
    let asked = 0
    const client = makeClient({
      url: async () =>
        `mqtt://user-${++asked}:secret@127.0.0.1:${peers[(asked - 1) % 2]?.port}?signature=secret`,
      reconnect: { baseDelayMs: 1 },
    })
    expect(inspect(client)).toContain('the option url has yet to give')
    await client.connect()
    const [first, second] = peers
    expect((await first?.connection(0))?.connect.username).toBe('user-1')
    expect(inspect(client)).toContain(`url: 'mqtt://127.0.0.1:${first?.port}'`)
    ;(await first?.connection(0))?.socket.destroy()
    await until(() => client.stats().connects === 2)
    const { connect } = (await second?.connection(0)) ?? {}
    expect(connect?.username).toBe('user-2')
    expect(text(connect?.password as Uint8Array)).toBe('secret')
    expect(asked).toBe(2)
    expect(JSON.stringify(client.explain()) + inspect(client)).not.toContain('secret')
  })

  it('leaves the credentials to the option of that name', async () => {
    const peer = await startPeer()
    const client = makeClient({
      url: () => `mqtt://a:b@127.0.0.1:${peer.port}`,
      credentials: { username: 'c' },
    })
    await client.connect()
    expect((await peer.connection(0)).connect).toMatchObject({ username: 'c', password: undefined })
  })

  it.each([
    [() => Promise.reject(new Error('no signature')), 'unreachable', 'its function failed: no signature'],
    [() => 'mqtt://me:secret@', 'invalid-argument', 'its function gave no URL: url "...@"'],
    [() => undefined as unknown as string, 'invalid-argument', 'its function gave no URL: undefined came'],
  ])('may fail, and is asked again by the next attempt', async (url, code, fault) => {
    const peer = await startPeer()
    const answers = [url, () => `mqtt://127.0.0.1:${peer.port}`]
    const client = makeClient({
      url: () => (answers.shift() ?? url)(),
      waitForConnection: false,
      reconnect: { baseDelayMs: 1 },
    })
    const causes: unknown[] = []
    client.onState(({ cause }) => {
      if (cause !== undefined) causes.push(cause)
    })
    await client.connect()
    expect(causes[0]).toMatchObject({ name: 'ConnectionError', code, retryable: true })
    expect(inspect(causes)).toContain(fault)
    expect(inspect(causes)).not.toContain('secret')
  })

  it('that does not answer costs one attempt, and its late answer no other', async () => {
    const peer = await startPeer()
    const clock = new FakeClock()
    const asked: ((url: string) => void)[] = []
    const client = makeClient({ url: () => new Promise((resolve) => asked.push(resolve)), clock })
    const first = rejection(client.connect())
    await until(() => asked.length === 1)
    await clock.advance(10_000)
    expect((await first).message).toContain('no connection with the server whose url')
    const second = client.connect()
    await until(() => asked.length === 2)
    asked[1]?.(`mqtt://127.0.0.1:${peer.port}`)
    asked[0]?.('mqtt://127.0.0.1:1')
    await second
    expect(client.state).toBe('connected')
  })
})
