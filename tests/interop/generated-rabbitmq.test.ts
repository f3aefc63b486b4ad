import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { signToken } from '@jamey/auth'
import { type Authz, startAuthz } from '@jamey/authz'
import { type Bus, type BusConfig, connectBus } from '@jamey/bus'
import { createConscience } from '@jamey/conscience'
import { COMPONENTS, topics } from '@jamey/contracts'
import { readManifest } from '@jamey/manifest'
import { type Client, createClient } from '@jamey/mqtt'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { GeneratedServer } from './generated-server.js'
import { listening } from './mosquitto.js'

const { evaluate } = topics.conscience
const MANIFEST = `version: 1
components:
  conscience: { proof: [token, certificate] }
clients:
  asker:
    proof: [token, certificate]
    permissions: ['publish:jamey/conscience/evaluate', 'publish:lab/%c/#', 'subscribe:lab/+/heat']
`

describe.each(['tokens', 'certificates'] as const)(
  'RabbitMQ with the files that were made for %s',
  (proof) => {
    let server: GeneratedServer
    let authz: Authz

    beforeAll(async () => {
      server = await GeneratedServer.make('rabbitmq')
      const authzPort = await freePort()
      await server.configure(MANIFEST, '--clients-by', proof, '--authz-url', `http://127.0.0.1:${authzPort}`)
      const secret = readFileSync(join(server.folder, '.jamey', 'authz-secret'), 'utf8').trim()
      authz = await startAuthz({
        port: authzPort,
        secrets: [secret],
        tokens: { secret: server.tokenSecret },
        manifest: readManifest(MANIFEST),
        certificatesOf: ['rabbitmq'],
      })
      const [distribution, mapper] = [await freePort(), await freePort()]
      // Started here, so that the node does not leave one behind.
      await server.serve('/usr/bin/epmd', ['-address', '127.0.0.1', '-port', String(mapper)], mapper)
      await server.start({
        RABBITMQ_NODENAME: `jamey${server.port}@localhost`,
        RABBITMQ_DIST_PORT: String(distribution),
        ERL_EPMD_PORT: String(mapper),
      })
      await listening(server.port)
    }, 120_000)
    afterAll(async () => {
      await server?.stop()
      await authz?.stop()
    })

    /** As the proof is: a token of the client, or its certificate and no user name. */
    async function access(clientId: string) {
      const { url, tls } = await server.client(clientId)
      if (proof === 'certificates') return { url, tls, username: false as const }
      return { url, tls: { ca: tls.ca }, jwtSecret: server.tokenSecret }
    }

    async function joined(
      clientId: string,
      permissions: readonly string[],
      more: Partial<BusConfig> = {},
    ): Promise<Bus> {
      const bus = await connectBus({
        ...(await access(clientId)),
        clientId,
        permissions,
        protocolVersion: 4,
        ...more,
      })
      onTestFinished(() => bus.close({ drain: false }))
      return bus
    }

    async function open(clientId: string, permissions: readonly string[]): Promise<Client> {
      const { url, tls } = await server.client(clientId)
      const password = await signToken({ sub: clientId, permissions }, server.tokenSecret)
      const known =
        proof === 'tokens' ? { tls: { ca: tls.ca }, credentials: { username: clientId, password } } : { tls }
      const client = createClient({ url, clientId, protocolVersion: 4, reconnect: false, ...known })
      await client.connect()
      onTestFinished(async () => void (await client.close().catch(() => {})))
      return client
    }

    it('has a conscience that judges for who may ask it', async () => {
      const component = { name: 'conscience', version: '1' }
      const alone = { component, sharedSubscriptions: 'unavailable' as const }
      const bus = await joined('jamey-conscience', COMPONENTS.conscience.permissions, alone)
      const conscience = createConscience({ bus })
      await conscience.start()
      onTestFinished(() => conscience.stop())
      const asker = await joined('asker', [`publish:${evaluate.topic}`])
      const action = { action: 'delete all customer records' }
      const asked = asker.request(evaluate, action, { timeoutMs: 20_000 })
      await expect(asked).resolves.toMatchObject({ decision: 'ask', requested_by: 'asker' })
    })

    it('lets nobody in with TLS 1.2, under a name that is not in the manifest, or without a proof', async () => {
      const { tls, url } = await server.client('asker')
      const refused = await new Promise((resolve) => {
        const socket = connectTls({ host: '127.0.0.1', port: server.port, ...tls, maxVersion: 'TLSv1.2' })
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      })
      expect(refused).toMatch(/PROTOCOL_VERSION/)
      await expect(open('stranger', ['#'])).rejects.toThrow(/./)
      const bare = { tls: { ca: tls.ca }, credentials: { username: 'asker', password: 'x' } }
      const client = createClient({ url, clientId: 'asker', protocolVersion: 4, reconnect: false, ...bare })
      await expect(client.connect()).rejects.toThrow(/./)
      await client.close()
    })

    it('lets a client publish and subscribe as the manifest says, and ends its connection on anything else', async () => {
      const heard: string[] = []
      const permissions = ['publish:lab/%c/#', 'subscribe:lab/+/heat']
      const client = await open('asker', permissions)
      await client.subscribe('lab/+/heat', { qos: 1 }, ({ topic }) => void heard.push(topic))
      await client.publish('lab/asker/heat', '21', { qos: 1 })
      await expect.poll(() => heard).toEqual(['lab/asker/heat'])
      client.publish('lab/other/heat', '22', { qos: 1 }).catch(() => {})
      await expect.poll(() => client.state).not.toBe('connected')
      const another = await open('asker', permissions)
      another.subscribe('lab/#', { qos: 1 }, () => {}).catch(() => {})
      await expect.poll(() => another.state).not.toBe('connected')
    })
  },
)
