import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { signToken } from '@jamey/auth'
import { type Bus, type BusConfig, connectBus, encodeEnvelope } from '@jamey/bus'
import { createConscience } from '@jamey/conscience'
import { COMPONENTS, topics } from '@jamey/contracts'
import { type Manifest, type ManifestClient, mosquittoFiles, readManifest } from '@jamey/manifest'
import { createClient } from '@jamey/mqtt'
import { isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CertifiedServer } from './certified-server.js'
import { SECRET } from './token-mosquitto.js'

/** Mosquitto as `jamey broker-config mosquitto` has it. */

const { evaluate } = topics.conscience
const CONSCIENCE = COMPONENTS.conscience.clientId
const ASKING = [`publish:${evaluate.topic}`]
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'

function client(clientId: string, permissions: readonly string[]): ManifestClient {
  return { clientId, component: undefined, proofs: ['certificate'], permissions, limits: {} }
}

const services: Manifest = {
  clients: [
    client(CONSCIENCE, COMPONENTS.conscience.permissions),
    ...['asker', 'attacker'].map((name) => client(name, ASKING)),
  ],
}

const tokenOfTheConscience = () =>
  signToken({ sub: CONSCIENCE, permissions: COMPONENTS.conscience.permissions }, SECRET)

describe.each(['certificates', 'tokens'] as const)(
  'a conscience at Mosquitto with clients by %s',
  (clientsBy) => {
    let server: CertifiedServer
    const isByTokens = clientsBy === 'tokens'

    beforeAll(async () => {
      server = await CertifiedServer.mosquitto(services, { clientsBy })
    })
    afterAll(() => server?.stop())

    async function open(clientId: string, permissions: readonly string[]): Promise<Bus> {
      const config: Partial<BusConfig> = isByTokens
        ? { jwtSecret: SECRET, serverStamps: ['jamey/#'] }
        : { username: false, sharedSubscriptions: 'unavailable' }
      const bus = await connectBus({ ...(await server.client(clientId)), clientId, permissions, ...config })
      onTestFinished(() => bus.close({ drain: false }))
      return bus
    }

    it('answers who asks, goes on when its connection is renewed, and judges nobody under the name of another', async () => {
      const bus = await open(CONSCIENCE, COMPONENTS.conscience.permissions)
      const conscience = createConscience({ bus })
      await conscience.start()
      onTestFinished(() => conscience.stop())
      const asker = await open('asker', ASKING)
      const ask = () => asker.request(evaluate, { action: 'read the news' }, { timeoutMs: 10_000 })
      await expect(ask()).resolves.toMatchObject({ requested_by: 'asker' })
      await bus.mqtt.reauthenticate()
      await expect(ask()).resolves.toMatchObject({ requested_by: 'asker' })
      expect(bus.mqtt.stats().connects).toBe(isByTokens ? 1 : 2)

      const attacker = await open('attacker', ASKING)
      const before = bus.stats().refusedSenders
      // One more came where the renewal had a request delivered again.
      const dropped = asker.stats().answersDropped
      const reply_to = 'jamey/api/responses/asker/conscience/answers'
      for (const topic of [evaluate.topic, `${evaluate.topic}/asker`, `${evaluate.topic}/attacker`]) {
        const metadata = { client_id: 'asker', correlation_id: ID, reply_to }
        const payload = { action: 'evaluate', data: { action: 'forged' } }
        const bytes = encodeEnvelope({
          message_id: ID,
          timestamp: new Date().toISOString(),
          topic,
          payload,
          metadata,
        })
        const userProperties = [['jamey-sender', 'asker']] as const
        await attacker.mqtt.publish(topic, bytes, { qos: 1, properties: { userProperties } }).catch(() => {})
      }
      // Of the bare topic nobody says whose it is, or the stamp says that it is the attacker's.
      await expect.poll(() => bus.stats().refusedSenders - before).toBe(2)
      await expect(ask()).resolves.toMatchObject({ requested_by: 'asker' })
      expect(conscience.stats().evaluations).toBe(3)
      expect(asker.stats().answersDropped).toBe(dropped)
    })

    it('is not heard by who may not listen, and lets nobody in under the name of another', async () => {
      const own = await server.client('attacker')
      const options = { ...own, clientId: CONSCIENCE, connectTimeoutMs: 5000 }
      const other = createClient(
        isByTokens
          ? { ...options, credentials: { username: CONSCIENCE, password: await tokenOfTheConscience() } }
          : options,
      )
      onTestFinished(() => other.close().then(() => {}))
      // By certificates it is connected as who it is; with a token it needs the certificate that goes with it.
      if (isByTokens) await expect(other.connect()).rejects.toThrow()
      else {
        await other.connect()
        const got: string[] = []
        await other.subscribe('#', ({ topic }) => void got.push(topic))
        await other.publish(`${evaluate.topic}/attacker`, 'mine', { qos: 1 })
        await other.publish(`${evaluate.topic}/${CONSCIENCE}`, 'theirs', { qos: 1 }).catch(() => {})
        expect(got).toEqual([])
      }
    })
  },
)

describe('docs/deployment.md', () => {
  it('shows the files that are made of its manifest', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/deployment.md'), 'utf8')
    const blocks = [...page.slice(page.indexOf('### Mosquitto')).matchAll(/^```\w*\n([\s\S]*?)^```/gm)]
    const [manifest = '', , config = '', listener = '', list = ''] = blocks.map(([, text]) => text)
    const base = '/srv/jamey/.jamey'
    const options = {
      folder: '/srv/jamey/mosquitto',
      host: '0.0.0.0',
      port: 8883,
      tls: {
        ca: `${base}/certs/ca.crt`,
        cert: `${base}/certs/server.crt`,
        key: `${base}/certs/server.key`,
      },
      authorization: { url: 'http://127.0.0.1:8090', secret: undefined },
      tokenSecretFile: `${base}/token-secret`,
      isMutualTls: false,
    }
    const made = (clientsBy: 'tokens' | 'certificates') =>
      mosquittoFiles(readManifest(manifest), { ...options, clientsBy }).files.map(({ text }) => text)
    expect(made('tokens')).toEqual([config])
    const [byCertificates = '', rules = ''] = made('certificates')
    expect(byCertificates.endsWith(listener) && listener.startsWith('require_certificate')).toBe(true)
    expect(byCertificates).toContain('acl_file /srv/jamey/mosquitto/jamey.acl\n')
    expect(rules.split('\n\n')).toContain(list.trimEnd())
  })
})

const WITNESS = 'the witness'
const ALL = `user ${WITNESS}\ntopic readwrite #\ntopic readwrite $internal/#\n`

describe('the access list of Mosquitto', () => {
  let server: CertifiedServer

  beforeAll(async () => {
    server = await CertifiedServer.mosquitto({ clients: [] }, { rules: ALL })
  })
  afterAll(() => server?.stop())

  async function connect(clientId: string, got: string[]) {
    const connected = createClient({ ...(await server.client(clientId)), clientId })
    await connected.connect()
    onTestFinished(() => connected.close().then(() => {}))
    for (const filter of ['#', '$internal/#'])
      await connected.subscribe(filter, ({ topic }) => void got.push(topic))
    return connected
  }

  /** The cases of each client with the same list. */
  const groups = new Map<string, PermissionCase[]>()
  for (const each of PERMISSION_CASES) {
    if (!isTopicName(each.topic) || /^\$(SYS|share|CONTROL)(\/|$)/.test(each.topic)) continue
    const key = JSON.stringify([each.clientId, each.permissions])
    groups.set(key, [...(groups.get(key) ?? []), each])
  }

  it.each([...groups.values()].map((cases) => [cases[0]?.name, cases] as const))(
    'lets nobody publish or receive what the table refuses: %s',
    async (_, cases) => {
      const { clientId, permissions } = cases[0] as PermissionCase
      server.remake({ clients: [client(clientId, permissions)] }, { rules: ALL })
      await server.reload()
      const [got, seen]: [string[], string[]] = [[], []]
      const [one, witness] = [await connect(clientId, got), await connect(WITNESS, seen)]
      const wrong: string[] = []
      for (const { name, action, topic, isAllowed } of cases) {
        if (action !== 'publish' && action !== 'receive') continue
        const [writer, list] = action === 'publish' ? [one, seen] : [witness, got]
        const before = list.filter((each) => each === topic).length
        await writer.publish(topic, 'm', { qos: 1 }).catch(() => {})
        // What is delivered to the other comes before the answer to this.
        await (writer === one ? witness : one).publish('$nothing', '', { qos: 1 }).catch(() => {})
        const isGranted = list.filter((each) => each === topic).length > before
        if (isGranted && !isAllowed) wrong.push(name)
        granted += Number(isGranted)
      }
      expect(wrong).toEqual([])
    },
  )

  it('lets most of what the table allows through', () => {
    const allowed = PERMISSION_CASES.filter(
      ({ isAllowed, action }) => isAllowed && (action === 'publish' || action === 'receive'),
    )
    expect(granted).toBeGreaterThan(allowed.length / 2)
  })
})

let granted = 0
