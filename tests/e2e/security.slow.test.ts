import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { signToken } from '@jamey/auth'
import { type Client, type ConnectOptions, connect } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jamey, removeFolder, type System, secretsOf, startSystem } from './program.js'

let system: System
let ca: string
let secret: string

beforeAll(async () => {
  system = await startSystem()
  const secrets = secretsOf(system.folder)
  ca = secrets.ca
  secret = secrets.secret
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

function attempt(password: string | undefined, options: ConnectOptions = {}): Promise<Client> {
  return connect({
    url: `mqtts://127.0.0.1:${system.port}`,
    clientId: 'intruder',
    tls: { ca },
    credentials: { username: 'intruder', password },
    reconnect: false,
    ...options,
  })
}

const token = (permissions: string[], now = Date.now(), by = secret) =>
  signToken({ sub: 'intruder', permissions, now: () => now } as Parameters<typeof signToken>[0], by)

/** A token as an attacker writes one: no signature, and a header that says none is needed. */
function unsigned(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: 'intruder', iat: now, exp: now + 300, permissions: ['#'] }
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`
}

describe('the broker refuses', () => {
  it('TLS 1.2 [promise 36]', async () => {
    const handshake = new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: system.port, ca, maxVersion: 'TLSv1.2' }, () => {
        socket.destroy()
        resolve('connected')
      })
      socket.on('error', reject)
    })
    await expect(handshake).rejects.toThrow(/protocol version/i)
  })

  it('a client that does not trust it, before anything is sent', async () => {
    await expect(attempt(await token(['jamey/#']), { tls: {} })).rejects.toThrow()
  })

  it('a connection without a token', async () => {
    await expect(attempt(undefined)).rejects.toMatchObject({ name: 'AuthenticationError' })
  })

  it('an expired token [promise 20]', async () => {
    const expired = await token(['jamey/#'], Date.now() - 3_600_000)
    await expect(attempt(expired)).rejects.toMatchObject({ name: 'AuthenticationError' })
  })

  it('a token signed with another secret [promise 20]', async () => {
    const foreign = await token(['jamey/#'], Date.now(), 'x'.repeat(43))
    await expect(attempt(foreign)).rejects.toMatchObject({ name: 'AuthenticationError' })
  })

  it('a token with alg none [promise 20]', async () => {
    await expect(attempt(unsigned())).rejects.toMatchObject({ name: 'AuthenticationError' })
  })

  it('a token for somebody else [promise 20]', async () => {
    const other = await signToken({ sub: 'jamey-memory', permissions: ['#'] }, secret)
    await expect(attempt(other)).rejects.toMatchObject({ name: 'AuthenticationError' })
  })
})

describe('a client with few permissions', () => {
  it('is refused elsewhere by the broker, topic by topic [promise 23]', async () => {
    const client = await attempt(await token(['jamey/test/+', 'publish:jamey/#']))
    await client.publish('jamey/test/a', 'fine', { qos: 1 })
    await expect(client.publish('elsewhere', 'no', { qos: 1 })).rejects.toMatchObject({ reasonCode: 0x87 })
    await expect(client.subscribe('jamey/#', () => undefined)).rejects.toMatchObject({ reasonCode: 0x87 })
    await expect(
      client.subscribe('jamey/api/responses/jamey-gateway/#', () => undefined),
    ).rejects.toMatchObject({
      reasonCode: 0x87,
    })
    await expect(client.publish('jamey/events/status/jamey-memory', 'x', { qos: 1 })).rejects.toMatchObject({
      reasonCode: 0x87,
    })
    await client.close()
  })

  it('is told by the command line which permission is missing', async () => {
    const { code, stderr } = await jamey(system.folder, [
      'remember',
      'not allowed',
      '--permission',
      'publish:jamey/conscience/evaluate',
    ])
    expect(code).toBe(3)
    expect(stderr).toContain('publish:jamey/memory/store')
  })

  it('never sees what is in the inbox of another, even with jamey/# [promise 23]', async () => {
    const client = await attempt(await token(['jamey/#']))
    const seen: string[] = []
    await client.subscribe('jamey/#', (message) => {
      seen.push(message.topic)
    })
    await jamey(system.folder, ['evaluate', 'summarise the notes'])
    await client.publish('jamey/test/end', 'x', { qos: 1 })
    await expect.poll(() => seen.includes('jamey/test/end')).toBe(true)
    expect(seen).toContain('jamey/conscience/results')
    expect(seen.filter((topic) => topic.startsWith('jamey/api/responses/'))).toEqual([])
    await client.close()
  })
})

describe('a part of the system', () => {
  const evaluates = async () =>
    (await jamey(system.folder, ['evaluate', '--tool', 'Read', '--arguments', '{"file_path":"notes.md"}']))
      .code

  it('is nobody that a token alone makes: its session goes on, and the system with it', async () => {
    for (const clientId of ['jamey-conscience', 'jamey-memory', 'jamey-gateway']) {
      const password = await signToken({ sub: clientId, permissions: [] }, secret)
      const credentials = { username: clientId, password }
      await expect(attempt(undefined, { clientId, credentials })).rejects.toMatchObject({ reasonCode: 0x87 })
    }
    expect(await evaluates()).toBe(0)
  })

  it('takes its place again from whoever has its certificate, and the others go on', async () => {
    const clientId = 'jamey-conscience'
    const file = (name: string) => readFileSync(join(system.folder, '.jamey/certs', name), 'utf8')
    const thief = await attempt(undefined, {
      clientId,
      credentials: {
        username: clientId,
        password: await signToken({ sub: clientId, permissions: [] }, secret),
      },
      tls: { ca, cert: file(`${clientId}.crt`), key: file(`${clientId}.key`) },
    })
    await expect.poll(() => thief.state, { timeout: 10_000 }).toBe('error')
    expect(await evaluates()).toBe(0)
    expect((await jamey(system.folder, ['remember', 'the system goes on'])).code).toBe(0)
    expect(system.program.stderr).toContain('another client has connected as this part')
  })
})
