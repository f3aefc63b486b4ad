import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate, signToken, tokenAuthenticator } from '@jamey/auth'
import { createBroker } from '@jamey/broker'
import { type Bus, connectBus, type EnvelopeMetadata, type EnvelopePayload, encodeEnvelope } from '@jamey/bus'
import { type Conscience, createConscience } from '@jamey/conscience'
import { answersFilter, COMPONENTS, type RequestContract, topics } from '@jamey/contracts'
import type { ManifestClient } from '@jamey/manifest'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { CertifiedServer } from './certified-server.js'
import { Paho } from './paho.js'

/** A client in Python, written by docs/wire.md with Eclipse paho alone: wire.py. */

const SECRET = 'a secret of at least thirty-two bytes'
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
const { evaluate } = topics.conscience
const CONSCIENCE = COMPONENTS.conscience.clientId
const read = {
  topic: 'jamey/weather/read',
  action: 'read',
  qos: 1,
  retain: false,
  schema: z.object({ place: z.string() }),
  responseSchema: z.object({ heard: z.object({ place: z.string() }), from: z.string() }),
  service: 'weather',
  description: 'A request that Python serves.',
} satisfies RequestContract
const ASKING = [`publish:${evaluate.topic}`, `publish:${read.topic}`]
const SERVING = [`subscribe:$share/weather/${read.topic}/#`, `publish:${answersFilter('weather')}`]

/** What has a form of its own in canonical JSON: RFC 8785, section 3.2 and appendix B. */
const AWKWARD = {
  numbers: [333333333.3333333, 1e30, 4.5, 0.002, 1e-27, 1e21, 1e20, 0.000001, 1e-7, -0, 5e-324, 2 ** 53],
  '€': 'Euro',
  '\r': 'carriage return',
  '\u{1f600}': 'behind \ufb33 by code point, before it in UTF-16',
  '\ufb33': '\u0000\u001f\u007f\u0080"\\/\b\f\n\t\u2028',
  nested: { b: [true, null, {}], a: false },
}

interface Place {
  join(clientId: string, permissions: readonly string[]): Promise<Bus>
  paho(clientId: string, version: 4 | 5): Promise<Paho>
  stop(): Promise<void>
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-python-'))
})
afterEach(() => Paho.endAll())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}

const rightsOf = (clientId: string) => (clientId === 'weather' ? SERVING : ASKING)
const common = { transport: 'tcp', isClean: true, expirySeconds: 0 } as const

async function ours(): Promise<Place> {
  const authority = await createAuthority()
  const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, tls: { cert, key } }],
    authenticator: tokenAuthenticator({ secret: SECRET }),
    stampSenders: ['jamey/#'],
  })
  await broker.listen()
  const port = broker.addresses[0]?.port ?? 0
  const ca = file('ours.crt', authority.certPem)
  const tls = { ca: authority.certPem }
  return {
    join: (clientId, permissions) =>
      connectBus({ url: `mqtts://127.0.0.1:${port}`, clientId, permissions, tls, jwtSecret: SECRET }),
    paho: async (clientId, version) => {
      const password = await signToken({ sub: clientId, permissions: rightsOf(clientId) }, SECRET)
      return Paho.connect({ ...common, port, version, clientId, ca, password })
    },
    stop: () => broker.close({ graceMs: 100 }),
  }
}

/** By certificates, with the files that are made of a manifest. */
async function mosquitto(): Promise<Place> {
  const client = (clientId: string, permissions: readonly string[]): ManifestClient => {
    return { clientId, component: undefined, proofs: ['certificate'], permissions, limits: {} }
  }
  const server = await CertifiedServer.mosquitto({
    clients: [
      client(CONSCIENCE, COMPONENTS.conscience.permissions),
      client('weather', [...SERVING, `subscribe:${read.topic}/#`]),
      ...['station', 'victim', 'asker', 'attacker'].map((name) => client(name, ASKING)),
    ],
  })
  return {
    join: async (clientId, permissions) =>
      connectBus({
        ...(await server.client(clientId)),
        clientId,
        permissions,
        sharedSubscriptions: 'unavailable',
      }),
    paho: async (clientId, version) => {
      const { tls } = await server.client(clientId)
      const files = {
        ca: file('theirs.crt', tls.ca),
        cert: file(`${clientId}.crt`, tls.cert),
        key: file(`${clientId}.key`, tls.key),
      }
      return Paho.connect({ ...common, port: server.port, version, clientId, ...files })
    },
    stop: () => server.stop(),
  }
}

describe.each([
  { place: 'our broker', start: ours, isOurs: true },
  { place: 'Mosquitto with certificates', start: mosquitto, isOurs: false },
])('a client in Python with $place', ({ start, isOurs }) => {
  let place: Place
  let bus: Bus
  let conscience: Conscience

  beforeAll(async () => {
    place = await start()
    bus = await place.join(CONSCIENCE, COMPONENTS.conscience.permissions)
    conscience = createConscience({ bus })
    await conscience.start()
  })
  afterAll(async () => {
    await conscience?.stop()
    await bus?.close({ drain: false })
    await place?.stop()
  })

  async function asker(clientId: string, version: 4 | 5): Promise<Paho> {
    const paho = await place.paho(clientId, version)
    await paho.subscribe(`jamey/api/responses/${clientId}/#`, 1)
    return paho
  }

  /** What it likes, with a stamp of its own. */
  async function write(paho: Paho, topic: string, payload: EnvelopePayload, metadata: EnvelopeMetadata) {
    const envelope = { message_id: ID, timestamp: new Date().toISOString(), topic, payload, metadata }
    const properties = { UserProperty: [['jamey-sender', metadata.client_id]] }
    await paho.publish(topic, encodeEnvelope(envelope).toString(), { qos: 1, properties })
  }

  describe.each([5, 4] as const)('with protocol version %i', (version) => {
    it('gets a verdict that is bound to what it asked', async () => {
      const paho = await asker('station', version)
      await paho.ask(evaluate, { action: 'water the plants', context: AWKWARD })
      await expect.poll(() => [paho.answers.length, paho.refused]).toEqual([1, []])
      const [{ topic, digest, correlationId, data } = { digest: '' }] = paho.answers
      expect(topic).toBe(isOurs && version === 5 ? evaluate.topic : `${evaluate.topic}/station`)
      expect(data).toMatchObject({
        action: 'water the plants',
        requested_by: 'station',
        request_digest: digest,
        correlation_id: correlationId,
      })
    })

    it('is not judged under the name of another, who still is under its own', async () => {
      const before = [bus.stats().refusedSenders, conscience.stats().evaluations] as const
      const victim = await asker('victim', version)
      const attacker = await place.paho('attacker', version)
      const reply_to = 'jamey/api/responses/victim/conscience/answers'
      for (const topic of [evaluate.topic, `${evaluate.topic}/victim`, `${evaluate.topic}/attacker`]) {
        const payload = { action: 'evaluate', data: { action: 'forged' } }
        await write(attacker, topic, payload, { client_id: 'victim', correlation_id: ID, reply_to })
      }
      // What is on topics of the attacker's own gets through, and who it is is known, or nobody vouches for it.
      await expect.poll(() => bus.stats().refusedSenders - before[0]).toBe(2)
      await victim.ask(evaluate, { action: 'read the news' })
      await expect.poll(() => victim.answers.map(({ data }) => data?.['requested_by'])).toEqual(['victim'])
      expect([victim.refused, victim.messages]).toEqual([[], []])
      expect(conscience.stats().evaluations - before[1]).toBe(1)
    })
  })

  // A server that stamps tells who sent in MQTT 5.0 alone.
  it.each(isOurs ? ([5] as const) : ([5, 4] as const))(
    'answers who asks, and nobody under the name of another, with protocol version %i',
    async (version) => {
      const python = await place.paho('weather', version)
      await python.serve(read, isOurs)
      const asker = await place.join('asker', ASKING)
      onTestFinished(() => asker.close({ drain: false }))
      const ask = () => asker.request(read, { place: 'Lisbon' }, { timeoutMs: 10_000 })
      expect(await ask()).toEqual({ heard: { place: 'Lisbon' }, from: 'asker' })
      const attacker = await place.paho('attacker', version)
      const own = `${read.topic}/attacker`
      const forged = { action: 'read', data: { place: 'forged' } }
      const inbox = 'jamey/api/responses/asker/weather/answers'
      for (const topic of [read.topic, `${read.topic}/asker`, own])
        await write(attacker, topic, forged, { client_id: 'asker', correlation_id: ID, reply_to: inbox })
      await write(attacker, own, forged, { client_id: 'attacker', correlation_id: ID, reply_to: inbox })
      const lie = 'it says asker, and is from attacker'
      const why = [isOurs ? lie : 'its sender is not known', lie, `its answer would go to ${inbox}`]
      await expect.poll(() => python.refused).toEqual(why)
      expect(await ask()).toEqual({ heard: { place: 'Lisbon' }, from: 'asker' })
      expect(asker.stats().answersDropped).toBe(0)
    },
  )

  // A server that does not stamp is asked so in vain.
  if (isOurs)
    it('may ask on the bare topic with MQTT 3.1.1, too, where it knows that the server stamps', async () => {
      const paho = await asker('station', 4)
      await paho.ask(evaluate, { action: 'water the plants' }, { isBare: true })
      await expect
        .poll(() => paho.answers)
        .toMatchObject([{ topic: evaluate.topic, data: { requested_by: 'station' } }])
    })

  it('all are answered though a client without the right to joins the group of the service', async () => {
    const attacker = await place.paho('attacker', 5)
    await attacker.subscribe(`$share/conscience/${evaluate.topic}/#`, 1)
    const paho = await asker('station', 5)
    for (let n = 0; n < 6; n++) await paho.ask(evaluate, { action: 'water the plants' })
    await expect.poll(() => paho.answers.length).toBe(6)
    expect(attacker.messages).toEqual([])
  })
})
