import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  type ClientEntry,
  ClientFileError,
  ClientRegistry,
  type ClientRegistryOptions,
  createClientSecret,
  hashClientSecret,
  isClientSecret,
  RegistryBusyError,
  readClientFile,
  writeClientFile,
} from '../index.js'

const NOW_MS = 1_700_000_000_000

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jamey-clients-'))
  path = join(folder, 'clients.json')
})

afterEach(() => rm(folder, { recursive: true }))

async function entryOf(clientId: string, ...secrets: string[]): Promise<ClientEntry> {
  const hashes = await Promise.all(secrets.map(hashClientSecret))
  const kept = hashes.map((hash, i) => ({ hash, untilMs: i === 0 ? undefined : NOW_MS + 1_000 }))
  return { clientId, permissions: ['lab/#'], lifetimeSeconds: undefined, byCertificate: false, secrets: kept }
}

async function open(options: Partial<ClientRegistryOptions> = {}): Promise<ClientRegistry> {
  const registry = await ClientRegistry.open({ path, now: () => NOW_MS, ...options })
  onTestFinished(() => registry.stop())
  return registry
}

describe('the secret of a client', () => {
  it('is known again by its hash, which shows nothing of it and is another one each time', async () => {
    const secret = createClientSecret()
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    const [one, other] = [await hashClientSecret(secret), await hashClientSecret(secret)]
    expect(one).toMatch(/^scrypt\$16384\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
    expect(one).not.toBe(other)
    expect(one).not.toContain(secret)
    for (const hash of [one, other]) expect(await isClientSecret(secret, hash)).toBe(true)
    for (const wrong of ['', `${secret}x`, secret.slice(1), createClientSecret()]) {
      expect(await isClientSecret(wrong, one)).toBe(false)
    }
    expect(await isClientSecret(secret, 'scrypt$1$1$1$a$b')).toBe(false)
    expect(await isClientSecret(secret, '')).toBe(false)
  })
})

describe('a file of clients', () => {
  it('is written for its owner alone, without a secret, and read back', async () => {
    const entry = await entryOf('robot-7', 'the secret', 'the former one')
    await writeClientFile(path, [entry], NOW_MS)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).not.toMatch(/the secret|the former/)
    expect(await readClientFile(path)).toEqual([entry])
    await writeClientFile(path, [entry], NOW_MS + 1_000)
    expect(await readClientFile(path)).toEqual([{ ...entry, secrets: entry.secrets.slice(0, 1) }])
    expect(await readClientFile(join(folder, 'absent'))).toEqual([])
    const certified = { ...entry, secrets: [], byCertificate: true }
    await writeClientFile(path, [certified], NOW_MS)
    expect(await readClientFile(path)).toEqual([certified])
  })

  it.each([
    ['no JSON', '{', 'holds something else; expected a JSON list'],
    ['a name that no client can have', '[{"client_id":"a/b"}]', '[0].client_id is not usable'],
    ['no permissions', '[{"client_id":"a"}]', '[0].permissions is not usable'],
    ['a broken permission', '[{"client_id":"a","permissions":["a#"]}]', 'permission "a#"'],
    ['a long life', '[{"client_id":"a","permissions":[],"lifetime_seconds":3601}]', '[0].lifetime_seconds'],
    [
      'a word for a certificate',
      '[{"client_id":"a","permissions":[],"certificate":"yes"}]',
      '[0].certificate',
    ],
    [
      'a secret in the open',
      '[{"client_id":"a","permissions":[],"secrets":[{"hash":"hunter2"}]}]',
      'secrets[0].hash',
    ],
    [
      'a hash that takes all memory',
      `[{"client_id":"a","permissions":[],"secrets":[{"hash":"scrypt$999999$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}"}]}]`,
      'secrets[0].hash',
    ],
    [
      'a client twice',
      '[{"client_id":"a","permissions":[],"secrets":[]},{"client_id":"a","permissions":[],"secrets":[]}]',
      'has a client twice',
    ],
  ])('is refused with %s, with its path, and shows no secret [promise 37]', async (_, text, message) => {
    await writeFile(path, text, { mode: 0o600 })
    const error = await readClientFile(path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ClientFileError)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).toContain(path)
    expect((error as Error).message).not.toContain('hunter2')
  })

  it('is refused where others may read it', async () => {
    await writeFile(path, '[]', { mode: 0o644 })
    await expect(readClientFile(path)).rejects.toMatchObject({ code: 'client-file-exposed' })
  })
})

describe('a registry of clients', () => {
  it('knows by its certificate alone who is to have no secret', async () => {
    const certified = { ...(await entryOf('robot-9')), byCertificate: true }
    await writeClientFile(path, [await entryOf('robot-7', 'new'), certified], NOW_MS)
    const registry = await open()
    expect(await registry.certified('robot-9')).toMatchObject({ clientId: 'robot-9' })
    expect(await registry.certified('robot-7')).toBeUndefined()
    expect(await registry.certified('nobody')).toBeUndefined()
    expect(await registry.authenticate('robot-9', '')).toBeUndefined()
  })

  it('knows them by their secrets, the former one until its time', async () => {
    await writeClientFile(path, [await entryOf('robot-7', 'new', 'former'), await entryOf('idle')], NOW_MS)
    const registry = await open()
    expect(await registry.authenticate('robot-7', 'new')).toMatchObject({
      clientId: 'robot-7',
      permissions: ['lab/#'],
    })
    expect(await registry.authenticate('robot-7', 'former')).toMatchObject({ clientId: 'robot-7' })
    for (const [clientId, secret] of [
      ['robot-7', 'other'],
      ['robot-7', ''],
      ['robot-7', `new${'x'.repeat(600)}`],
      ['idle', ''],
      ['nobody', 'new'],
      ['__proto__', 'new'],
    ] as const) {
      expect(await registry.authenticate(clientId, secret), clientId).toBeUndefined()
    }
    const later = await open({ now: () => NOW_MS + 1_000 })
    expect(await later.authenticate('robot-7', 'former')).toBeUndefined()
    expect(await later.authenticate('robot-7', 'new')).toMatchObject({ clientId: 'robot-7' })
  })

  it('takes as long for a name that it has not', async () => {
    await writeClientFile(path, [await entryOf('robot-7', 'right')], NOW_MS)
    const registry = await open()
    const cpuOf = async (clientId: string): Promise<number> => {
      const before = process.cpuUsage()
      for (let i = 0; i < 8; i++) await registry.authenticate(clientId, 'wrong')
      return process.cpuUsage(before).user
    }
    await cpuOf('robot-7')
    const [known, unknown] = [await cpuOf('robot-7'), await cpuOf('nobody')]
    // Without the same work for both it is a thousandth.
    expect(unknown / known).toBeGreaterThan(0.4)
    expect(unknown / known).toBeLessThan(2.5)
  })

  it('checks a few secrets at once and lets a bounded number wait; nobody else is held up', async () => {
    await writeClientFile(path, [await entryOf('robot-7', 'right')], NOW_MS)
    const registry = await open()
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const all = await Promise.allSettled(
      Array.from({ length: 80 }, (_, i) => registry.authenticate('robot-7', i === 40 ? 'right' : 'wrong')),
    )
    clearInterval(timer)
    const refused = all.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(80 - 66)
    for (const one of refused) expect((one as PromiseRejectedResult).reason).toBeInstanceOf(RegistryBusyError)
    const known = all.filter((one) => one.status === 'fulfilled' && one.value !== undefined)
    expect(known).toHaveLength(1)
    expect(turns).toBeGreaterThan(10)
    expect(await registry.authenticate('robot-7', 'right')).toBeDefined()
  })

  it('follows its file, and keeps what it knows where that is broken', async () => {
    const errors: string[] = []
    const registry = await open({ onError: ({ message }) => errors.push(message) })
    const isKnown = async () => (await registry.authenticate('robot-7', 'right')) !== undefined
    expect(await isKnown()).toBe(false)
    await writeClientFile(path, [await entryOf('robot-7', 'right')], NOW_MS)
    await expect.poll(isKnown, { timeout: 3_000 }).toBe(true)
    await writeFile(path, 'nonsense')
    await expect.poll(() => errors.length, { timeout: 3_000 }).toBe(1)
    expect(await isKnown()).toBe(true)
    await rm(path)
    await expect.poll(isKnown, { timeout: 3_000 }).toBe(false)
  })
})
