import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { signToken } from '@jamey/auth'
import { connectBus } from '@jamey/bus'
import { freePort } from '@jamey/testing'
import mqtt, { type IClientOptions, type IDisconnectPacket, type MqttClient } from 'mqtt'
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder, secretsOf } from './program.js'

/** The broker by itself, as its file says: real processes, and a client of others. */

let issued: string
let folder: string
let ports: { tls: number; mutual: number; web: number; proxied: number; plain: number }
const programs: Program[] = []
const clients: MqttClient[] = []

beforeAll(async () => {
  issued = emptyFolder()
  for (const args of [['--server', '--host', 'first.example', '--host', '127.0.0.1'], ['eva'], ['bob']]) {
    const outcome = await jamey(issued, ['certs', 'issue', ...args, '--data-dir', '.jamey'])
    expect(outcome).toMatchObject({ code: 0 })
  }
  return () => removeFolder(issued)
})

beforeEach(async () => {
  folder = emptyFolder()
  cpSync(issued, folder, { recursive: true })
  const free = () => freePort()
  ports = {
    tls: await free(),
    mutual: await free(),
    web: await free(),
    proxied: await free(),
    plain: await free(),
  }
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true)
  await Promise.all(programs.splice(0).map((program) => program.stop('SIGKILL')))
  removeFolder(folder)
})

const PEM = 'cert: .jamey/certs/server.crt, key: .jamey/certs/server.key'

/** Every kind of listener; what a test adds comes behind it. */
function configure(rest = '', permissions = "[{ clients: ['*'], allow: ['#'] }]"): void {
  writeFileSync(
    join(folder, 'broker.yaml'),
    `listeners:
  - { port: ${ports.tls}, tls: { ${PEM} } }
  - { port: ${ports.mutual}, tls: { ${PEM}, ca: .jamey/certs/ca.crt, clientCertificate: required } }
  - { port: ${ports.web}, tls: { ${PEM} }, webSocket: true }
  - { port: ${ports.proxied}, insecure: true, proxyProtocol: { trusted: [127.0.0.1] } }
  - { port: ${ports.plain}, insecure: true }
authentication: { tokenSecretFile: .jamey/token-secret }
store: data
permissions: ${permissions}
${rest}
`,
  )
}

async function start(...args: string[]): Promise<Program> {
  const program = new Program(folder, ['broker', '--config', 'broker.yaml', ...args])
  programs.push(program)
  await program.prints(new RegExp(`broker listens at mqtt://127.0.0.1:${ports.plain}\n`))
  return program
}

async function tokenOf(clientId: string, permissions = ['#']): Promise<string> {
  return signToken({ sub: clientId, permissions }, secretsOf(folder).secret)
}

async function enter(clientId: string, url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = mqtt.connect(url, {
    protocolVersion: 5,
    clientId,
    username: clientId,
    password: await tokenOf(clientId),
    ca: secretsOf(folder).ca,
    reconnectPeriod: 0,
    ...options,
  })
  clients.push(client)
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
    client.once('close', () => reject(new Error('closed')))
  })
  return client
}

const plainly = (clientId: string, options: IClientOptions = {}) =>
  enter(clientId, `mqtt://127.0.0.1:${ports.plain}`, options)

function certificateOf(name: string) {
  const file = (ending: string) => readFileSync(join(folder, `.jamey/certs/${name}.${ending}`))
  return { cert: file('crt'), key: file('key') }
}

/** The names in the certificate that a new connection is shown. */
async function namesServed(port: number): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: secretsOf(folder).ca, servername: '' })
  await once(socket, 'secureConnect')
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return String(subjectaltname)
}

function disconnectOf(client: MqttClient): Promise<IDisconnectPacket> {
  return new Promise((resolve) => client.once('disconnect', resolve))
}

async function reloaded(program: Program): Promise<void> {
  const times = occurrences(program, /reloaded: certificates/g)
  program.signal('SIGHUP')
  await expect.poll(() => occurrences(program, /reloaded: certificates/g)).toBe(times + 1)
}

function occurrences(program: Program, pattern: RegExp): number {
  return [...program.stderr.matchAll(pattern)].length
}

describe('a broker from a file', () => {
  it('serves TLS, mutual TLS, WebSocket over TLS, PROXY protocol and, warned about, plain TCP', async () => {
    configure()
    const program = await start()
    const plain = `127.0.0.1:${ports.proxied}, 127.0.0.1:${ports.plain}`
    expect(program.stderr).toContain(`no encryption at ${plain}`)
    expect(program.stdout.match(/\w+:\/\/\S+/g)).toEqual([
      `mqtts://127.0.0.1:${ports.tls}`,
      `mqtts://127.0.0.1:${ports.mutual}`,
      `wss://127.0.0.1:${ports.web}/mqtt`,
      `mqtt://127.0.0.1:${ports.proxied}`,
      `mqtt://127.0.0.1:${ports.plain}`,
    ])
    const watcher = await plainly('watcher')
    const seen: string[] = []
    watcher.on('message', (_topic, payload) => seen.push(payload.toString()))
    await watcher.subscribeAsync('t', { qos: 1 })
    const eva = await enter('eva', `mqtts://127.0.0.1:${ports.mutual}`, certificateOf('eva'))
    const bob = await enter('bob', `wss://127.0.0.1:${ports.web}/mqtt`)
    const carl = await enter('carl', `mqtts://127.0.0.1:${ports.tls}`)
    for (const [name, client] of Object.entries({ eva, bob, carl }))
      await client.publishAsync('t', name, { qos: 1 })
    await expect.poll(() => seen).toEqual(['eva', 'bob', 'carl'])
    await expect(enter('dora', `mqtts://127.0.0.1:${ports.mutual}`)).rejects.toThrow(
      /certificate required|closed/,
    )
    await expect(
      enter('dora', `mqtts://127.0.0.1:${ports.mutual}`, certificateOf('bob')),
    ).rejects.toMatchObject({
      code: 0x87,
    })
  })

  it('takes a client at the PROXY listener behind its header alone', async () => {
    configure()
    await start()
    const connect = Buffer.from('101000044d5154540502003c0000036576610000', 'hex').subarray(0, 18)
    const answerTo = async (...parts: Buffer[]): Promise<number | undefined> => {
      const socket = connectTcp(ports.proxied, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(Buffer.concat(parts))
      const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [
        Buffer | boolean,
      ]
      socket.destroy()
      return Buffer.isBuffer(answer) ? answer[0] : undefined
    }
    const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
    // CONNACK, even though it is a refusal: there is no token in it.
    expect(await answerTo(local, connect)).toBe(0x20)
    expect(await answerTo(connect)).toBeUndefined()
  })

  it('is refused with every fault, and nothing is started', async () => {
    configure('limits: { packetBytes: 1 }\noverflow: drop\nshutdown: { graceMs: never }')
    const program = new Program(folder, ['broker', '--config', 'broker.yaml'])
    programs.push(program)
    const { code, stderr } = await program.ended()
    expect(code).toBe(2)
    for (const field of ['limits.packetBytes', 'overflow', 'shutdown.graceMs']) {
      expect(stderr).toContain(`broker.yaml: ${field}: expected`)
    }
  })

  it('is the same for `jamey run broker`, which the environment gives it', async () => {
    configure('limits: { connections: 1 }')
    const program = new Program(folder, ['run', 'broker'], { JAMEY_BROKER_CONFIG: 'broker.yaml' })
    programs.push(program)
    // A part that runs alone prints its log, and nothing else.
    await program.prints(new RegExp(`"broker listens at mqtt://127.0.0.1:${ports.plain}"`))
    await plainly('a')
    await expect(plainly('b')).rejects.toMatchObject({ code: 0x89 })
  })
})

describe('a broker for tests', () => {
  it('needs --insecure and nothing else: anybody may do everything, and nothing is kept', async () => {
    const args = ['broker', '--insecure', '--port', String(ports.plain)]
    const program = new Program(folder, args, { MQTT_JWT_SECRET_FILE: '.jamey/token-secret' })
    programs.push(program)
    await program.prints(new RegExp(`broker listens at mqtt://127.0.0.1:${ports.plain}\n`))
    expect(program.stderr).toContain('no encryption, no passwords')
    const anybody = await plainly('anybody', { username: '', password: '' })
    await anybody.publishAsync('t', '', { qos: 1 })
    expect(readdirSync(join(folder, '.jamey')).sort()).toEqual([
      'certs',
      'data',
      'receipt-key.pem',
      'token-secret',
    ])
    expect(readdirSync(join(folder, '.jamey/data'))).toEqual([])
    const told = disconnectOf(anybody)
    expect((await program.stop('SIGINT')).code).toBe(0)
    expect(await told).toMatchObject({ reasonCode: 0x8b })
  })
})

describe('SIGHUP', () => {
  it('brings certificates, limits, permissions and the token secret of now, and drops nobody [promise 36]', async () => {
    configure()
    const program = await start()
    const [eva, bob] = [await plainly('eva'), await enter('bob', `mqtts://127.0.0.1:${ports.tls}`)]
    const seen: string[] = []
    bob.on('message', (topic) => seen.push(topic))
    await bob.subscribeAsync('#', { qos: 1 })
    await eva.publishAsync('lab/1', '', { qos: 1 })
    await expect.poll(() => seen).toEqual(['lab/1'])
    rmSync(join(folder, '.jamey/certs/server.crt'))
    const issue = ['certs', 'issue', '--server', '--host', 'second.example', '--data-dir', '.jamey']
    expect(await jamey(folder, issue)).toMatchObject({ code: 0 })
    writeFileSync(join(folder, '.jamey/token-secret'), `${'n'.repeat(43)}\n`)
    const narrow = "[{ clients: [eva], allow: ['#'] }, { clients: ['*'], allow: ['home/#'] }]"
    configure('limits: { connections: 3, subscriptionsPerClient: 1 }', narrow)
    await reloaded(program)
    for (const port of [ports.tls, ports.web]) expect(await namesServed(port)).toContain('second.example')
    // Nothing that bob lost reaches him, and nothing but what he may still publish is taken from him.
    await eva.publishAsync('lab/2', '', { qos: 1 })
    await eva.publishAsync('home/1', '', { qos: 1 })
    await expect.poll(() => seen).toEqual(['lab/1', 'home/1'])
    await expect(bob.publishAsync('lab/3', '', { qos: 1 })).rejects.toMatchObject({ code: 0x87 })
    // The new secret lets in, the former one no more; the third connection is the last.
    await plainly('carl')
    await expect(plainly('dora')).rejects.toMatchObject({ code: 0x89 })
    expect([eva.connected, bob.connected]).toEqual([true, true])
  })

  it('takes tokens of the former secret for as long as the file has it behind the new one [promise 21]', async () => {
    configure()
    const program = await start()
    const [former, present] = [secretsOf(folder).secret, 'n'.repeat(43)]
    const writeSecrets = (...secrets: string[]) =>
      writeFileSync(join(folder, '.jamey/token-secret'), secrets.map((secret) => `${secret}\n`).join(''))
    const tokenBy = (secret: string) => signToken({ sub: 'dora', permissions: ['#'] }, secret)
    const service = await connectBus({
      url: `mqtt://127.0.0.1:${ports.plain}`,
      insecure: true,
      clientId: 'service',
      jwtSecret: former,
      permissions: ['#'],
    })
    onTestFinished(async () => void (await service.close({ drain: false })))
    writeSecrets(present, former)
    await reloaded(program)
    // What runs still signs with the former, and renews; what is started signs with the new one.
    await service.mqtt.reauthenticate()
    for (const secret of [former, present]) {
      const dora = await plainly('dora', { password: await tokenBy(secret) })
      await dora.publishAsync('t', '', { qos: 1 })
    }
    writeSecrets(present)
    await reloaded(program)
    await plainly('dora', { password: await tokenBy(present) })
    await expect(plainly('dora', { password: await tokenBy(former) })).rejects.toMatchObject({ code: 0x86 })
  })

  it('changes nothing for a faulty file, and says all that is wrong with it [promise 37]', async () => {
    configure()
    const program = await start()
    const eva = await plainly('eva')
    writeFileSync(join(folder, '.jamey/certs/server.key'), 'nonsense')
    configure('limits: { connections: 1, packetBytes: 1 }', '[{ clients: [nobody], allow: [x/#/y] }]')
    program.signal('SIGHUP')
    await program.prints(/cannot be used; the old stays in force/)
    for (const field of [
      'listeners[0].tls.key',
      'listeners[2].tls.key',
      'limits.packetBytes',
      'permissions[0].allow[0]',
    ]) {
      expect(program.stderr).toContain(`broker.yaml: ${field}: expected`)
    }
    await eva.publishAsync('lab/1', '', { qos: 1 })
    await plainly('bob')
    expect(await namesServed(ports.tls)).toContain('first.example')
  })

  it('shuts out whom the permissions name no more [promise 36]', async () => {
    configure()
    const program = await start()
    const eva = await plainly('eva')
    const bob = await enter('bob', `mqtts://127.0.0.1:${ports.mutual}`, certificateOf('bob'))
    const told = disconnectOf(bob)
    configure('', "[{ clients: [eva], allow: ['#'] }]")
    await reloaded(program)
    expect(await told).toMatchObject({ reasonCode: 0x87 })
    await expect(
      enter('bob', `mqtts://127.0.0.1:${ports.mutual}`, certificateOf('bob')),
    ).rejects.toMatchObject({
      code: 0x87,
    })
    await eva.publishAsync('t', '', { qos: 1 })
  })

  it('shuts out whom the file refuses by name, and nobody else [promise 36]', async () => {
    configure()
    const program = await start()
    const [eva, bob] = [await plainly('eva'), await plainly('bob')]
    const told = disconnectOf(bob)
    configure('refused: [bob]')
    await reloaded(program)
    expect(await told).toMatchObject({ reasonCode: 0x87 })
    await expect(plainly('bob')).rejects.toMatchObject({ code: 0x87 })
    await eva.publishAsync('t', '', { qos: 1 })
    expect((await plainly('bobby')).connected).toBe(true)
  })

  it('names in the log what takes a restart, and takes the rest', async () => {
    configure('limits: { subscriptionsPerClient: 1 }')
    const program = await start()
    const eva = await plainly('eva')
    await eva.subscribeAsync('a')
    const former = ports.tls
    ports.tls = await freePort()
    configure('overflow: drop-oldest')
    const text = readFileSync(join(folder, 'broker.yaml'), 'utf8').replace('store: data', 'store: elsewhere')
    writeFileSync(join(folder, 'broker.yaml'), text)
    await reloaded(program)
    const named = [...program.stderr.matchAll(/"setting":"([^"]+)"/g)].map((match) => match[1])
    expect(named).toEqual(['listeners[0]', 'store', 'overflow'])
    // Another method's permissions, which may be none at all, are not this one's.
    writeFileSync(
      join(folder, 'broker.yaml'),
      `listeners: [{ insecure: true }]\nauthentication: { method: none }\n`,
    )
    await reloaded(program)
    expect(program.stderr).toMatch(/"setting":"authentication.method".*\n.*"setting":"permissions"/)
    await expect(plainly('eve', { password: 'none' })).rejects.toMatchObject({ code: 0x86 })
    expect(await namesServed(former)).toContain('first.example')
    await eva.subscribeAsync('b')
    expect(statSync(join(folder, 'data/data.mdb')).size).toBeGreaterThan(0)
  })
})

describe('SIGTERM', () => {
  it.each([
    ['that the server shuts down', '', [], 0x8b, undefined],
    ['where to go', 'shutdown: { serverReference: "b:1" }', [], 0x9c, 'b:1'],
    ['that it has moved', 'shutdown: { serverReference: "b:1", reason: server-moved }', [], 0x9d, 'b:1'],
    [
      'what an option says rather than the file',
      'shutdown: { serverReference: "b:1" }',
      ['--server-reference', 'c:2'],
      0x9c,
      'c:2',
    ],
  ] as const)(
    'tells clients of MQTT 5.0 %s [promise 38]',
    async (_, settings, args, reasonCode, serverReference) => {
      configure(settings)
      const program = await start(...args)
      const told = disconnectOf(await plainly('eva'))
      const { code } = await program.stop('SIGTERM')
      const { reasonCode: found, properties } = await told
      expect([code, found, properties?.serverReference]).toEqual([0, reasonCode, serverReference])
    },
  )

  it('tells them what the file says by now', async () => {
    configure()
    const program = await start()
    const told = disconnectOf(await plainly('eva'))
    configure('shutdown: { serverReference: "b:1", graceMs: 3000 }')
    await reloaded(program)
    await program.stop('SIGINT')
    expect(await told).toMatchObject({ reasonCode: 0x9c, properties: { serverReference: 'b:1' } })
  })
})

describe('jamey broker backup', () => {
  it('of a running broker is a store that another one goes on from [promise 33]', async () => {
    configure()
    const program = await start()
    const stays: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 3_600 } }
    const receiver = await plainly('receiver', stays)
    await receiver.subscribeAsync('t', { qos: 1 })
    await receiver.endAsync()
    const sender = await plainly('sender')
    const publish = (text: string) => sender.publishAsync('t', text, { qos: 1 })
    for (let i = 0; i < 20; i++) await publish(`before ${i}`)
    await sender.publishAsync('state', 'kept', { qos: 1, retain: true })
    // It goes on meanwhile: what it acknowledges later may be there, and in order.
    let isOver = false
    const going = (async () => {
      for (let i = 0; !isOver; i++) await publish(`during ${i}`)
    })()
    const backup = ['broker', 'backup', 'copy', '--config', 'broker.yaml']
    const outcome = await jamey(folder, backup)
    isOver = true
    await going
    expect(outcome).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^copy: \d+ bytes of the store .*data, while process \d+ runs it/),
    })
    expect(await jamey(folder, backup)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not overwritten'),
    })
    const modes = ['copy', 'copy/data.mdb'].map((name) => statSync(join(folder, name)).mode & 0o777)
    expect(modes).toEqual([0o700, 0o600])
    await publish('after')
    await program.stop('SIGKILL')

    await start('--store', 'copy')
    const seen: string[] = []
    const back = mqtt.connect(`mqtt://127.0.0.1:${ports.plain}`, {
      ...stays,
      protocolVersion: 5,
      clientId: 'receiver',
      username: 'receiver',
      password: await tokenOf('receiver'),
    })
    clients.push(back)
    back.on('message', (topic, payload) => seen.push(`${topic} ${payload}`))
    await new Promise((resolve) => back.once('connect', resolve))
    await back.subscribeAsync('state', { qos: 1 })
    await expect.poll(() => seen).toContain('state kept')
    const queued = seen.filter((text) => text.startsWith('t ')).map((text) => text.slice(2))
    const before = Array.from({ length: 20 }, (_, i) => `before ${i}`)
    expect(queued.slice(0, 20)).toEqual(before)
    expect(queued.slice(20)).toEqual(queued.slice(20).map((_, i) => `during ${i}`))
    expect(queued).not.toContain('after')
  })

  it('needs a store', async () => {
    mkdirSync(join(folder, 'empty'))
    expect(await jamey(folder, ['broker', 'backup', 'copy', '--store', 'none'])).toMatchObject({ code: 2 })
    const { code, stderr } = await jamey(folder, ['broker', '--store', 'empty', 'backup', 'copy'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no store')])
  })
})
