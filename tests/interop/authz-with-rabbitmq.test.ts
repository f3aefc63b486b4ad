import { createAuthority, issueServerCertificate, signToken } from '@jamey/auth'
import { type Authz, startAuthz } from '@jamey/authz'
import { readManifest } from '@jamey/manifest'
import { type Client, type ConnectOptions, connect, type Message } from '@jamey/mqtt'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CertifiedServer } from './certified-server.js'

const BROKER_SECRET = 'what-rabbitmq-shows-of-itself_in.a~url'
const TOKEN_SECRET = 'what tokens are signed with, 32 bytes long'
const MANIFEST = readManifest(`
version: 1
clients:
  eva: { permissions: ['app/#', 'subscribe:one/+'] }
  bob: { permissions: ['app/#', 'jamey/#'] }
  robot-7: { proof: certificate, permissions: ['publish:lab/%c/#', 'subscribe:app/robots'] }
`)

describe('RabbitMQ, which asks the authorization service over TLS 1.3', () => {
  let authz: Authz
  let server: CertifiedServer
  const refusals: string[] = []

  beforeAll(async () => {
    const authority = await createAuthority()
    const certificate = await issueServerCertificate(authority, { hosts: ['localhost'] })
    const write = (line: string): void => void refusals.push(line)
    authz = await startAuthz({
      port: 0,
      secrets: [BROKER_SECRET],
      tls: { cert: certificate.certPem, key: certificate.keyPem, ca: undefined },
      tokens: { secret: TOKEN_SECRET },
      manifest: MANIFEST,
      certificatesOf: ['rabbitmq'],
      log: pino({ level: 'info' }, { write }),
    })
    // By name: Erlang looks for an address among the names of the certificate alone.
    const url = authz.url.replace('https://127.0.0.1', `https://broker:${BROKER_SECRET}@localhost`)
    server = await CertifiedServer.rabbitMqAsking(url, authority.certPem)
  }, 120_000)
  afterAll(async () => {
    await server?.stop()
    await authz?.stop()
  })

  async function open(clientId: string, options: ConnectOptions = {}): Promise<Client> {
    const client = await connect({
      url: `mqtts://127.0.0.1:${server.port}`,
      clientId,
      protocolVersion: 4,
      tls: { ca: server.ca },
      reconnect: false,
      ...options,
    })
    onTestFinished(async () => void (await client.close().catch(() => {})))
    return client
  }

  async function byToken(clientId: string, permissions: readonly string[], sub = clientId): Promise<Client> {
    const password = await signToken({ sub, permissions }, TOKEN_SECRET)
    return open(clientId, { credentials: { username: sub, password } })
  }

  async function byCertificate(commonName: string, clientId = commonName): Promise<Client> {
    const { tls } = await server.client(commonName)
    return open(clientId, { tls })
  }

  /** RabbitMQ has no other word for what is refused. */
  async function isEnded(client: Client, act: () => Promise<unknown>): Promise<boolean> {
    expect(client.state).toBe('connected')
    act().catch(() => {})
    await expect.poll(() => client.state).not.toBe('connected')
    return true
  }

  it('lets a token do what it and the manifest allow', async () => {
    const seen: string[] = []
    const take = ({ topic }: Message): void => void seen.push(topic)
    const eva = await byToken('eva', ['#'])
    await eva.subscribe('app/+/x', { qos: 1 }, take)
    await eva.subscribe('jamey/api/responses/eva/#', { qos: 1 }, take)
    const bob = await byToken('bob', ['app/#', 'publish:jamey/api/responses/#'])
    await bob.publish('app/1/x', 'x', { qos: 1 })
    await bob.publish('jamey/api/responses/eva/memory/1', 'x', { qos: 1 })
    await expect.poll(() => seen.sort()).toEqual(['app/1/x', 'jamey/api/responses/eva/memory/1'])
  })

  it.each([
    ['#', ['#']],
    ['+/x', ['#']],
    ['one/#', ['#']],
    ['app/#', ['app/+']],
    ['jamey/api/responses/bob/#', ['#']],
    ['$share/g/app/x', ['#']],
  ] as const)('ends a connection that subscribes to %s', async (filter, permissions) => {
    const eva = await byToken('eva', permissions)
    expect(await isEnded(eva, () => eva.subscribe(filter, { qos: 1 }, () => {}))).toBe(true)
  })

  it('ends a connection that publishes where it may not, and one that would read the answers to others', async () => {
    const eva = await byToken('eva', ['app/1'])
    await eva.publish('app/1', 'x', { qos: 1 })
    expect(await isEnded(eva, () => eva.publish('app/2', 'x', { qos: 1 }))).toBe(true)
    // The manifest and the token have all of it, and our own broker would leave those answers out.
    const bob = await byToken('bob', ['jamey/#'])
    expect(await isEnded(bob, () => bob.subscribe('jamey/#', { qos: 1 }, () => {}))).toBe(true)
  })

  it('lets nobody in under another name, without a token or who is not in the manifest', async () => {
    await expect(byToken('bob', ['#'], 'eva')).rejects.toThrow()
    await expect(byToken('carl', ['#'])).rejects.toThrow()
    await expect(open('eva', { credentials: { username: 'eva', password: 'x' } })).rejects.toThrow()
    await expect(open('eva', { credentials: { username: 'eva', password: '' } })).rejects.toThrow()
    await expect(open('robot-7', { credentials: { username: 'robot-7', password: '' } })).rejects.toThrow()
    await expect(open('robot-7')).rejects.toThrow()
    await expect(byToken('robot-7', ['#'])).rejects.toThrow()
  })

  it('takes a certificate for a proof of whom the manifest says so, and of nobody else', async () => {
    const seen: string[] = []
    const robot = await byCertificate('robot-7')
    await robot.publish('lab/robot-7/heat', '7', { qos: 1 })
    await robot.subscribe('app/robots', { qos: 1 }, ({ topic }) => void seen.push(topic))
    const bob = await byToken('bob', ['app/#'])
    await bob.publish('app/robots', 'x', { qos: 1 })
    await expect.poll(() => seen).toEqual(['app/robots'])
    expect(await isEnded(robot, () => robot.publish('lab/robot-8/heat', '7', { qos: 1 }))).toBe(true)
    await expect(byCertificate('eva')).rejects.toThrow()
    await expect(byCertificate('robot-7', 'eva')).rejects.toThrow()
    expect(refusals.join('')).not.toMatch(/eyJ|what-rabbitmq-shows/)
  })
})
