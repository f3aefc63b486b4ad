import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Paho, type PahoMessage, type PahoOptions } from './paho.js'

/** Our broker with the client of Eclipse paho. */
const folder = mkdtempSync(join(tmpdir(), 'jamey-paho-'))
const ca = join(folder, 'ca.crt')
let broker: Broker

beforeAll(async () => {
  const authority = await createAuthority()
  writeFileSync(ca, authority.certPem)
  const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  const tls = { cert, key }
  broker = await createBroker({
    listeners: [
      { host: '127.0.0.1', port: 0, insecure: true },
      { host: '127.0.0.1', port: 0, tls },
      { host: '127.0.0.1', port: 0, insecure: true, webSocket: true },
      { host: '127.0.0.1', port: 0, tls, webSocket: true },
    ],
    authenticator: insecureAuthenticator(),
  })
  await broker.listen()
})

afterEach(() => Paho.endAll())

afterAll(async () => {
  await broker?.close({ graceMs: 100 })
  rmSync(folder, { recursive: true, force: true })
})

const short = ({ topic, payload, qos, retain }: PahoMessage) =>
  `${topic}=${payload.length > 99 ? payload.length : payload} q${qos}${retain ? ' retain' : ''}`

describe.each([
  ['TCP', 3],
  ['TCP', 4],
  ['TCP', 5],
  ['TLS', 4],
  ['TLS', 5],
  ['WebSocket', 4],
  ['WebSocket', 5],
  ['WebSocket over TLS', 4],
  ['WebSocket over TLS', 5],
] as const)('paho over %s with protocol version %i', (way, version) => {
  const at = ['TCP', 'TLS', 'WebSocket', 'WebSocket over TLS'].indexOf(way)
  const name = `paho-${at}-${version}`

  function open(clientId: string, options: Partial<PahoOptions> = {}): Promise<Paho> {
    return Paho.connect({
      port: broker.addresses[at]?.port ?? 0,
      version,
      transport: at >= 2 ? 'websockets' : 'tcp',
      clientId: `${name}-${clientId}`,
      isClean: true,
      expirySeconds: 0,
      ...(at % 2 === 1 && { ca }),
      ...options,
    })
  }

  it('exchanges QoS 0, 1 and 2 through wildcards, small and large [MQTT-7.0.0-2 of 3.1.1]', async () => {
    const receiver = await open('in')
    const sender = await open('out')
    expect(await receiver.subscribe(`${name}/+/x/#`, 2)).toEqual([2])
    const large = 'x'.repeat(200_000)
    const sent: string[] = []
    for (let n = 0; n < 30; n++) {
      const payload = n % 10 === 9 ? large : String(n)
      await sender.publish(`${name}/${n}/x/y`, payload, { qos: n % 3 })
      sent.push(`${name}/${n}/x/y=${n % 10 === 9 ? large.length : n} q${n % 3}`)
    }
    await sender.publish(`${name}/1/z`, 'not for it')
    await expect.poll(() => receiver.messages.length).toBe(sent.length)
    // paho hands out QoS 2 when it is released, so other messages may come first.
    const ofQoS = (qos: number) => (entry: string) => entry.endsWith(` q${qos}`)
    for (const qos of [0, 1, 2]) {
      expect(receiver.messages.map(short).filter(ofQoS(qos))).toEqual(sent.filter(ofQoS(qos)))
    }
    await receiver.unsubscribe(`${name}/+/x/#`)
    await receiver.subscribe(`${name}/last`, 1)
    await sender.publish(`${name}/1/x`, 'no more', { qos: 1 })
    await sender.publish(`${name}/last`, 'end', { qos: 2 })
    await expect.poll(() => receiver.messages.map(short).at(-1)).toBe(`${name}/last=end q1`)
    expect(receiver.messages).toHaveLength(sent.length + 1)
    await Promise.all([receiver.leave(), sender.leave()])
  })

  it('gets what is retained, until it is cleared', async () => {
    const sender = await open('out')
    await sender.publish(`${name}/kept/1`, 'one', { qos: 1, retain: true })
    await sender.publish(`${name}/kept/2`, 'two', { qos: 2, retain: true })
    const late = await open('in')
    await late.subscribe(`${name}/kept/+`, 1)
    await expect.poll(() => late.messages.length).toBe(2)
    expect(late.messages.map(short).sort()).toEqual([
      `${name}/kept/1=one q1 retain`,
      `${name}/kept/2=two q1 retain`,
    ])
    for (const topic of ['1', '2'])
      await sender.publish(`${name}/kept/${topic}`, '', { qos: 1, retain: true })
    await expect.poll(() => late.messages.length).toBe(4)
    const later = await open('later')
    await later.subscribe(`${name}/#`, 1)
    await sender.publish(`${name}/now`, 'live', { qos: 1 })
    await expect.poll(() => later.messages.map(short)).toEqual([`${name}/now=live q1`])
    await Promise.all([sender.leave(), late.leave(), later.leave()])
  })

  it('has its will published when it dies, and not when it says goodbye', async () => {
    const watcher = await open('in')
    await watcher.subscribe(`${name}/will`, 1)
    const will = { topic: `${name}/will`, payload: 'gone', qos: 1, retain: false }
    await (await open('polite', { will })).leave()
    await (await open('dying', { will: { ...will, payload: 'died' } })).die()
    await expect.poll(() => watcher.messages.map(short)).toEqual([`${name}/will=died q1`])
    await watcher.leave()
  })

  it('comes back to its session, and to what came while it was away', async () => {
    const stays = { isClean: false, expirySeconds: 60 }
    const first = await open('stays', stays)
    expect(first.sessionPresent).toBe(false)
    await first.subscribe(`${name}/queue`, 2)
    await first.leave()
    const sender = await open('out')
    for (const [n, qos] of [1, 2, 1, 2, 0].entries())
      await sender.publish(`${name}/queue`, String(n), { qos })
    const second = await open('stays', stays)
    // MQTT 3.1 had no such flag.
    expect(second.sessionPresent).toBe(version !== 3)
    await expect.poll(() => second.messages.length).toBe(4)
    expect(second.messages.map(short).sort()).toEqual([
      `${name}/queue=0 q1`,
      `${name}/queue=1 q2`,
      `${name}/queue=2 q1`,
      `${name}/queue=3 q2`,
    ])
    await second.leave()
    const clean = await open('stays')
    expect(clean.sessionPresent).toBe(false)
    await Promise.all([clean.leave(), sender.leave()])
  })
})

describe('paho with protocol version 5', () => {
  it('gets the properties that were sent [MQTT-3.3.2-17] [MQTT-3.3.2-18]', async () => {
    const client = await Paho.connect({
      port: broker.addresses[0]?.port ?? 0,
      version: 5,
      transport: 'tcp',
      clientId: 'paho-properties',
      isClean: true,
      expirySeconds: 0,
    })
    await client.subscribe('paho/properties', 1)
    const properties = {
      ContentType: 'text/plain',
      ResponseTopic: 'paho/answers',
      PayloadFormatIndicator: 1,
      MessageExpiryInterval: 600,
      UserProperty: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    }
    await client.publish('paho/properties', 'm', { qos: 1, properties })
    await expect.poll(() => client.messages.length).toBe(1)
    expect(client.messages[0]?.properties).toEqual(properties)
    await client.leave()
  })
})
