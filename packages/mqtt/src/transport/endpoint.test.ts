import { FaultProxy, MqttPeer } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../index.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'
import { credentialsOf, readUrl } from './endpoint.js'
import { webSocketUrl } from './web-socket-transport.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

describe('a URL', () => {
  it.each([
    ['mqtt://host', 'host', 1883, ''],
    ['mqtts://host:443', 'host', 443, ''],
    ['ws://host', 'host', 80, '/mqtt'],
    ['ws://host/', 'host', 80, '/'],
    ['wss://host/?token=1', 'host', 443, '/?token=1'],
    ['wss://host?token=1', 'host', 443, '/mqtt?token=1'],
    ['ws://me:pass@host:8080/a/b', 'host', 8080, '/a/b'],
    ['mqtts://b\u00fccher.example', 'xn--bcher-kva.example', 8883, ''],
    ['wss://b\u00fccher.example', 'xn--bcher-kva.example', 443, '/mqtt'],
    ['mqtt://[::1]:1884', '::1', 1884, ''],
    ['mqtt://[fe80::1%25eth0]', 'fe80::1%eth0', 1883, ''],
    ['mqtt://[fe80::1%eth0]:1884', 'fe80::1%eth0', 1884, ''],
    ['mqtt://[fe80::1%2]:1884', 'fe80::1%2', 1884, ''],
  ])('%s names a host, a port and a path', (url, host, port, path) => {
    expect(readUrl(url)).toMatchObject({ host, port, path })
  })

  it('of a WebSocket is asked for as it was given', () => {
    expect(webSocketUrl(readUrl('ws://host/'))).toBe('ws://host:80/')
    expect(webSocketUrl(readUrl('ws://[::1]'))).toBe('ws://[::1]:80/mqtt')
  })

  it.each([
    ['mqtt://100%:secret@host', "'%' in user or password"],
    ['mqtt://me:secret%@host', "'%' in user or password"],
    ['mqtt://me:secret@a b', 'expected one such as'],
    ['mqtt://me:secret@', 'expected one such as'],
    ['gopher://me:secret@host', "scheme 'gopher'"],
    ['mqtt://me:secret@%00host', 'expected one such as'],
  ])('%s is refused by a typed error that keeps the secret', (url, fault) => {
    const read = () => readUrl(url)
    expect(read).toThrow(fault)
    expect(read).toThrow(expect.objectContaining({ name: 'ConnectionError', code: 'invalid-argument' }))
    expect(read).not.toThrow(/secret/)
  })

  it.each([
    ['mqtt://me:pass%3Aword@host', { username: 'me', password: 'pass:word' }],
    ['mqtt://:password@host', { username: undefined, password: 'password' }],
    ['mqtt://me@host', { username: 'me', password: undefined }],
    ['mqtt://host', {}],
  ])('%s has these credentials', (url, credentials) => {
    expect(credentialsOf(readUrl(url))).toEqual(credentials)
  })

  it('beside several others is refused: which of them was meant?', async () => {
    const error = await rejection(connect({ url: 'mqtt://127.0.0.1:1', urls: ['mqtt://127.0.0.1:1'] }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'invalid-argument' })
    expect(error.message).toContain('urls')
  })
})

describe('user and password of a URL', () => {
  const withUser = (url: string, user: string) => url.replace('//', `//${user}@`)

  it('are for its server alone', async () => {
    const [first, second, third] = [await startPeer(), await startPeer(), await startPeer()]
    for (const peer of [first, second]) {
      peer.follow({ connect: (_, server) => server.accept({ reasonCode: 0x88 }) })
    }
    const urls = [withUser(first.url, 'a:1'), withUser(second.url, 'b:2'), third.url]
    await connectTo(third, { url: undefined, urls })
    const asked = await Promise.all(
      [first, second, third].map(async (peer) => {
        const { username, password } = (await peer.connection(0)).connect
        return [username, password && text(password)]
      }),
    )
    expect(asked).toEqual([
      ['a', '1'],
      ['b', '2'],
      [undefined, undefined],
    ])
  })

  it('go with whoever the server names in its place [MQTT 5.0 section 4.11]', async () => {
    const [first, other] = [await startPeer(), await startPeer()]
    const serverReference = `127.0.0.1:${other.port}`
    first.follow({
      connect: (_, server) => server.accept({ reasonCode: 0x9c, properties: { serverReference } }),
    })
    await connectTo(other, { url: withUser(first.url, 'a:1') })
    expect((await other.connection(0)).connect.username).toBe('a')
  })

  it('give way to the option, which is for all', async () => {
    const peer = await startPeer()
    await connectTo(peer, { url: withUser(peer.url, 'a:1'), credentials: { username: 'me' } })
    expect((await peer.connection(0)).connect).toMatchObject({ username: 'me', password: undefined })
  })

  it('may be a password alone', async () => {
    const peer = await startPeer()
    await connectTo(peer, { url: withUser(peer.url, ':secret') })
    const { username, password } = (await peer.connection(0)).connect
    expect([username, password && text(password)]).toEqual([undefined, 'secret'])
  })
})
