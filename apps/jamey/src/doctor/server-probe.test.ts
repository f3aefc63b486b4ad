import { Permissions, signToken, tokenAuthenticator } from '@jamey/auth'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import type { ConnectOptions } from '@jamey/mqtt'
import { MqttPeer } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findingsOf, settingsOf } from './probe-findings.js'
import type { ServerFacts } from './server-facts.js'
import { probeServer } from './server-probe.js'

const SECRET = 'a secret of at least thirty-two bytes'
const CLIENT = 'prober'
const SCRATCH = 'lab/prober'
const RIGHTS = [`${SCRATCH}/#`, `subscribe:$share/jamey-probe/${SCRATCH}/#`]

function probe(
  connection: ConnectOptions,
  rights = RIGHTS,
  withMethod?: ConnectOptions,
  more: { wordMs?: number } = {},
): Promise<ServerFacts> {
  const permissions = new Permissions(rights, { clientId: CLIENT })
  return probeServer({
    connection,
    withMethod,
    shortLived: undefined,
    permissions,
    scratch: SCRATCH,
    ...more,
    ...more,
  })
}

describe('what a server does', () => {
  it('is found out of our own broker, by the rights of the client that asks', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0, insecure: true }]
    const broker = await createBroker({ listeners, authenticator: tokenAuthenticator({ secret: SECRET }) })
    await broker.listen()
    onTestFinished(() => broker.close())
    const credentials = async () => {
      const password = await signToken({ sub: CLIENT, permissions: RIGHTS }, SECRET)
      const method = { authenticationMethod: 'JWT', authenticationData: password }
      return { username: CLIENT, password, ...method }
    }
    const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
    const connection = { url, clientId: CLIENT, credentials }
    const facts = await probe(connection, RIGHTS, { requireAuthenticationMethod: true })
    expect(facts).toMatchObject({
      protocolVersion: 5,
      takesMethod: 'yes',
      saysNobodySubscribes: 'yes',
      shares: 'yes',
      retains: 'yes',
      retainsForWildcards: 'yes',
      session: { isPresent: 'yes', subscription: 'yes', share: 'yes' },
      deniedPublish: 'refused',
      deniedSubscribe: 'refused',
      deniedGroup: 'refused',
      endsWithToken: 'unknown',
    })
    expect(settingsOf(facts)).toEqual([
      'MQTT_PROTOCOL_VERSION=5',
      'MQTT_AUTH_METHOD=JWT',
      'MQTT_SHARED_SUBSCRIPTIONS=true',
    ])
    // Nothing is left behind.
    expect(broker.stats().sessions).toBe(0)
  })

  it('that lets everybody do everything is a fault', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0, insecure: true }]
    const broker = await createBroker({ listeners, authenticator: insecureAuthenticator() })
    await broker.listen()
    onTestFinished(() => broker.close())
    const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
    const facts = await probe({ url, clientId: CLIENT })
    expect([facts.deniedPublish, facts.deniedSubscribe]).toEqual(['carried-out', 'carried-out'])
    expect(facts.takesMethod).toBe('unknown')
    const failed = findingsOf(facts).filter(({ status }) => status === 'failed')
    expect(failed.map(({ check }) => check)).toEqual(['denied PUBLISH', 'denied SUBSCRIBE'])
    expect(settingsOf(facts)).toContain('MQTT_SHARED_SUBSCRIPTIONS=false')
  })

  it('with MQTT 3.1.1 is found out by what comes, and a refused share of who may is none', async () => {
    const peer = await MqttPeer.listen()
    onTestFinished(() => peer.close())
    peer.follow({
      subscribe: ({ packetIdentifier, subscriptions }, connection) =>
        connection.send({
          type: 'suback',
          packetIdentifier,
          reasonCodes: subscriptions.map(({ filter }) => (filter.startsWith('$share/') ? 0x80 : 1)),
          properties: undefined,
        }),
    })
    const facts = await probe({ url: peer.url, clientId: CLIENT, protocolVersion: 4 }, RIGHTS, undefined, {
      wordMs: 200,
    })
    expect(facts).toMatchObject({
      protocolVersion: 4,
      saysNobodySubscribes: 'no',
      shares: 'no',
      // This server acknowledges, and delivers nothing at all.
      retains: 'no',
      session: { isPresent: 'no', subscription: 'no', share: 'no' },
      deniedPublish: 'ignored',
      deniedSubscribe: 'ignored',
    })
    expect(settingsOf(facts)).toEqual(['MQTT_PROTOCOL_VERSION=4', 'MQTT_SHARED_SUBSCRIPTIONS=false'])
  })
})
