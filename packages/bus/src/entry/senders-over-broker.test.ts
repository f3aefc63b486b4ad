import { createAuthority, issueServerCertificate, signToken, tokenAuthenticator } from '@jamey/auth'
import { type Broker, createBroker } from '@jamey/broker'
import { COMPONENTS, topics } from '@jamey/contracts'
import { type Client, createClient } from '@jamey/mqtt'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Bus } from '../model/bus.js'
import { encodeEnvelope } from '../wire/envelope.js'
import { connectBus } from './connect-bus.js'

const secret = 'a secret of at least 32 bytes, for tests'
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
const { evaluate } = topics.conscience
const ASKING = [`publish:${evaluate.topic}`]

let ca: string
let server: { certPem: string; keyPem: string }
beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.certPem
  server = await issueServerCertificate(authority, { hosts: ['localhost'] })
})

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function startBroker(stampSenders: readonly string[] | undefined): Promise<Broker> {
  const tls = { cert: server.certPem, key: server.keyPem }
  const broker = await createBroker({
    listeners: [{ host: 'localhost', port: 0, tls }],
    authenticator: tokenAuthenticator({ secret }),
    stampSenders,
  })
  await broker.listen()
  open.push(broker)
  return broker
}

const urlOf = (broker: Broker): string => `mqtts://localhost:${broker.addresses[0]?.port}`

async function join(
  broker: Broker,
  clientId: string,
  permissions: readonly string[],
  protocolVersion: 4 | 5,
) {
  const url = urlOf(broker)
  const bus = await connectBus({
    url,
    clientId,
    permissions,
    protocolVersion,
    tls: { ca },
    jwtSecret: secret,
  })
  open.push(bus)
  return bus
}

/** A client that writes whatever it likes. */
async function joinPlainly(broker: Broker, clientId: string, permissions: string[], protocolVersion: 4 | 5) {
  const password = await signToken({ sub: clientId, permissions }, secret)
  const credentials = { username: clientId, password }
  const client = createClient({ url: urlOf(broker), clientId, protocolVersion, tls: { ca }, credentials })
  await client.connect()
  open.push(client)
  return client
}

/** Judges everything and says whom it takes it to be from. */
async function serveConscience(broker: Broker, protocolVersion: 4 | 5) {
  const { clientId, permissions } = COMPONENTS.conscience
  const bus = await join(broker, clientId, permissions, protocolVersion)
  const asked: string[] = []
  await bus.serve(evaluate, {}, ({ data: payload, sender, principal, binding }) => {
    const action = 'action' in payload ? payload.action : payload.tool
    asked.push(`${action} ${sender.clientId} ${principal.clientId}`)
    return {
      ...binding,
      evaluation_id: '1',
      kind: 'text' as const,
      action,
      approved: true,
      decision: 'allow' as const,
      reasons: [],
      outcome: 'approved' as const,
      moral_score: 1,
      recognised: true,
      rules: [],
      explanation: 'It is good.',
      judge: { status: 'not_configured' as const },
      rules_version: '1',
      policy_version: '1',
      evaluated_at: '2024-11-14T20:00:00Z',
    }
  })
  return { bus, asked }
}

/** What the attacker writes so that the service speaks to the victim, or takes it for the victim. */
async function forge(client: Client, topic: string, claim = 'victim') {
  const reply_to = `jamey/api/responses/${claim}/conscience/answers`
  const payload = encodeEnvelope({
    message_id: ID,
    timestamp: new Date().toISOString(),
    topic,
    payload: { action: 'evaluate', data: { action: 'forged' } },
    metadata: { client_id: claim, correlation_id: ID, reply_to },
  })
  const isV5 = client.serverInformation?.protocolVersion === 5
  const properties = isV5 ? { properties: { userProperties: [['jamey-sender', claim] as const] } } : {}
  return client.publish(topic, payload, { qos: 1, ...properties })
}

const ask = (bus: Bus, action: string) => bus.request(evaluate, { action }, { timeoutMs: 5000 })

describe.each([
  { name: 'a broker that stamps, MQTT 5.0', stamped: ['jamey/#'], version: 5 as const, isBare: true },
  { name: 'one that does not, MQTT 5.0', stamped: undefined, version: 5 as const, isBare: false },
  { name: 'one that does not, MQTT 3.1.1', stamped: undefined, version: 4 as const, isBare: false },
  { name: 'one that stamps, MQTT 3.1.1', stamped: ['jamey/#'], version: 4 as const, isBare: false },
])('over TLS, $name', ({ stamped, version, isBare }) => {
  it('requests are from whom the broker let in, and the name of another does no harm', async () => {
    const broker = await startBroker(stamped)
    const { bus, asked } = await serveConscience(broker, version)
    const victim = await join(broker, 'victim', ASKING, version)
    expect(await ask(victim, 'honest')).toMatchObject({ requested_by: 'victim' })
    expect(victim.topicFor(evaluate.topic)).toBe(isBare ? evaluate.topic : `${evaluate.topic}/victim`)
    const attacker = await joinPlainly(broker, 'attacker', ASKING, version)
    await forge(attacker, evaluate.topic)
    await forge(attacker, `${evaluate.topic}/attacker`)
    // Its rights are for its own name alone; a broker of MQTT 3.1.1 has no way to say so.
    await forge(attacker, `${evaluate.topic}/victim`).catch(() => {})
    expect(await ask(victim, 'still served')).toMatchObject({ requested_by: 'victim' })
    expect(asked).toEqual(['honest victim victim', 'still served victim victim'])
    expect(bus.stats()).toMatchObject({ refusedSenders: 2, served: 2 })
    expect(victim.stats().answersDropped).toBe(0)
  })

  it('only who may act for others is heard on behalf of them', async () => {
    const broker = await startBroker(stamped)
    const { asked } = await serveConscience(broker, version)
    const onBehalfOf = { clientId: 'eva', permissions: ASKING }
    const { clientId, permissions } = COMPONENTS.gateway
    const gateway = await join(broker, clientId, permissions, version)
    const options = { timeoutMs: 5000, onBehalfOf }
    expect(await gateway.request(evaluate, { action: 'a' }, options)).toMatchObject({ requested_by: 'eva' })
    const less = { ...options, onBehalfOf: { ...onBehalfOf, permissions: ['publish:jamey/memory/#'] } }
    await expect(gateway.request(evaluate, { action: 'b' }, less)).rejects.toMatchObject({
      kind: 'not-permitted',
      message: expect.stringContaining(`publish:${evaluate.topic}`),
    })
    expect(asked).toEqual(['a jamey-gateway eva'])
  })
})
