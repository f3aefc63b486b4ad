import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { connectBus } from '@jamey/bus'
import { createConscience } from '@jamey/conscience'
import { COMPONENTS, topics } from '@jamey/contracts'
import { BrokerFilesError, type ManifestClient, natsFiles, withDigestLine } from '@jamey/manifest'
import { type Client, createClient } from '@jamey/mqtt'
import { isTopicFilter, isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { GeneratedServer } from './generated-server.js'

const MANIFEST = `version: 1
clients:
  asker:
    proof: certificate
    permissions: ['publish:jamey/conscience/evaluate', 'publish:lab/%c/#']
`

let server: GeneratedServer
let pid = 0

beforeAll(async () => {
  server = await GeneratedServer.make('nats')
  await server.configure(MANIFEST)
  const child = await server.start()
  pid = child.pid ?? 0
}, 60_000)
afterAll(() => server?.stop())

async function open(clientId: string, user = clientId): Promise<Client> {
  const client = createClient({ ...(await server.client(user)), clientId, protocolVersion: 4 })
  await client.connect()
  onTestFinished(async () => {
    await client.close()
  })
  return client
}

describe('NATS with the files that were made for it', () => {
  it('has a conscience that judges for who may ask it', async () => {
    const bus = await connectBus({
      ...(await server.client('jamey-conscience')),
      clientId: 'jamey-conscience',
      permissions: COMPONENTS.conscience.permissions,
      component: { name: 'conscience', version: '1' },
      username: false,
    })
    onTestFinished(() => bus.close({ drain: false }))
    const conscience = createConscience({ bus })
    await conscience.start()
    onTestFinished(() => conscience.stop())
    const permissions = [`publish:${topics.conscience.evaluate.topic}`]
    const asker = await connectBus({
      ...(await server.client('asker')),
      clientId: 'asker',
      permissions,
      username: false,
    })
    onTestFinished(() => asker.close({ drain: false }))
    const action = { action: 'delete all customer records' }
    await expect(
      asker.request(topics.conscience.evaluate, action, { timeoutMs: 20_000 }),
    ).resolves.toMatchObject({ decision: 'ask', requested_by: 'asker' })
  })

  it('lets nobody in by a certificate of no client, without one, or with TLS 1.2', async () => {
    await expect(open('stranger')).rejects.toThrow(/./)
    const { tls } = await server.client('asker')
    const refused = (options: object) =>
      new Promise((resolve) => {
        const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: tls.ca, ...options })
        socket
          .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
          .once('close', () => resolve('closed'))
        // A client without a certificate hears that it is refused only once it reads.
        socket.once('secureConnect', () => socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex')))
        socket.once('data', () => resolve('answered'))
        if ('maxVersion' in options) socket.once('secureConnect', () => resolve('connected'))
      })
    expect(await refused({ ...tls, maxVersion: 'TLSv1.2' })).toMatch(/PROTOCOL_VERSION|HANDSHAKE_FAILURE/)
    expect(await refused({})).toMatch(/CERTIFICATE|closed|ECONNRESET/)
  })

  it('gives the operator our topics, and not the answers to others', async () => {
    const operator = await open('jamey-operator')
    const refused = (filter: string) =>
      operator
        .subscribe(filter, { qos: 1 }, () => {})
        .then(
          () => false,
          () => true,
        )
    expect(await refused('jamey/events/#')).toBe(false)
    for (const filter of [
      'jamey/#',
      'jamey/api/#',
      'jamey/api/responses/+/memory/#',
      '#',
      '$MQTT/#',
      '$JS/#',
    ]) {
      expect(await refused(filter)).toBe(true)
    }
  })

  it('lets no client of its own protocol in, whatever name it gives itself', async () => {
    const [, port = ''] = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(server.said) ?? []
    const { tls } = await server.client('asker')
    const told = await new Promise<string>((resolve) => {
      let text = ''
      const plain = connect(Number(port), '127.0.0.1')
      plain.once('data', () => {
        plain.removeAllListeners('data')
        const socket = connectTls({ socket: plain, ...tls, servername: 'localhost' })
        socket.on('data', (chunk) => {
          text += chunk.toString()
          if (text.includes('PONG')) resolve(text)
        })
        socket.once('secureConnect', () =>
          socket.write('CONNECT {"verbose":true,"user":"CN=asker"}\r\nPING\r\n'),
        )
        socket.once('close', () => resolve(text)).on('error', () => {})
      })
    })
    expect(told).toContain('-ERR')
    expect(told).not.toContain('PONG')
  })
})

/** Cases of the same client and permissions, which one user of NATS stands for. */
function grouped(): { readonly client: ManifestClient; readonly cases: PermissionCase[] }[] {
  const groups = new Map<string, { client: ManifestClient; cases: PermissionCase[] }>()
  for (const each of PERMISSION_CASES) {
    if (each.action !== 'publish' && each.action !== 'subscribe') continue
    // What is no topic never leaves the client; NATS refuses a dot and a space in any.
    const isTopic = each.action === 'publish' ? isTopicName(each.topic) : isTopicFilter(each.topic)
    if (!isTopic || /[. ]/.test(each.topic) || each.topic.startsWith('$share/')) continue
    const { clientId, permissions } = each
    const key = JSON.stringify([clientId, permissions])
    const client: ManifestClient = {
      clientId,
      permissions,
      component: undefined,
      proofs: ['certificate'],
      limits: {},
    }
    const group = groups.get(key) ?? { client, cases: [] }
    group.cases.push(each)
    groups.set(key, group)
  }
  return [...groups.values()]
}

describe('the table of permissions at NATS', () => {
  /** Has it read the user of a group; false where there are no words for it. */
  async function enforce(client: ManifestClient): Promise<boolean> {
    const { folder, port } = server
    const certs = join(folder, '.jamey', 'certs')
    const tls = { ca: join(certs, 'ca.crt'), cert: join(certs, 'server.crt'), key: join(certs, 'server.key') }
    try {
      const { files } = natsFiles(
        { clients: [client] },
        {
          folder: join(folder, 'made'),
          host: '127.0.0.1',
          port,
          tls,
          isMutualTls: true,
          clientsBy: 'certificates',
          authorization: { url: 'http://127.0.0.1:8090', secret: undefined },
          tokenSecretFile: undefined,
        },
      )
      for (const file of files) writeFileSync(join(folder, 'made', file.path), withDigestLine(file))
    } catch (error) {
      if (error instanceof BrokerFilesError) return false
      throw error
    }
    const before = server.said.split('Reloaded server configuration').length
    process.kill(pid, 'SIGHUP')
    await expect.poll(() => server.said.split('Reloaded server configuration').length).toBe(before + 1)
    return true
  }

  /** NATS acknowledges what it denies, and its log says so. */
  async function mayPublish(client: Client, topic: string, end: string): Promise<boolean> {
    const from = server.said.length
    await client.publish(topic, 'x', { qos: 1 })
    // Denied for sure: what was written before it has come once this has.
    await client.publish(end, 'x', { qos: 1 })
    // It takes a client identifier with % for a format of its log, so no more than the subject is looked for.
    await expect.poll(() => server.said.slice(from)).toContain(end.replaceAll('/', '.'))
    return server.said.slice(from).split('Publish Violation').length === 2
  }

  it('is refused all that it does not grant, and has what NATS has words for', async () => {
    const wrong: string[] = []
    let asked = 0
    for (const { client, cases } of grouped()) {
      if (!(await enforce(client))) continue
      const connected = createClient({
        ...(await server.client(client.clientId)),
        clientId: client.clientId,
        protocolVersion: 4,
      })
      await connected.connect()
      for (const [i, { action, topic, isAllowed, name }] of cases.entries()) {
        const is =
          action === 'publish'
            ? await mayPublish(connected, topic, `never/${i}/${asked}`)
            : await connected
                .subscribe(topic, { qos: 1 }, () => {})
                .then(
                  () => true,
                  () => false,
                )
        asked++
        // Where a permission selects what belongs to others it is narrower here.
        const isNarrower = !is && isAllowed && topic.startsWith('jamey')
        if (is !== isAllowed && !isNarrower) wrong.push(name)
      }
      await connected.close()
    }
    expect(wrong).toEqual([])
    expect(asked).toBeGreaterThan(100)
  }, 180_000)
})
