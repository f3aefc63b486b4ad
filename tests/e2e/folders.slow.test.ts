import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createCertificateDirectory, createTokenSecretFile } from '@jamey/auth'
import { freePort } from '@jamey/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PlantedServer } from './planted-server.js'
import { jamey, Program } from './program.js'

/** Needs root: files are given to somebody else. Numbers that no account has. */
const isRoot = process.getuid?.() === 0
const [MALLORY, ALICE] = [61_666, 61_001]
const REPOSITORY = resolve(import.meta.dirname, '../..')

let scratch: string
let server: PlantedServer
/** The victim's secret. */
let secret: string
/** Where somebody prepared something, and the folder below it that the victim works in. */
let prepared: string
let working: string

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'jamey-folders-'))
  chmodSync(scratch, 0o755)
  const certificates = await createCertificateDirectory(join(scratch, 'planted', 'certs'))
  server = await PlantedServer.start(certificates)
  mkdirSync(join(scratch, 'own', '.jamey'), { recursive: true })
  secret = join(scratch, 'own', '.jamey', 'token-secret')
  await createTokenSecretFile(secret)
})

afterAll(() => {
  server.close()
  rmSync(scratch, { recursive: true })
})

beforeEach(() => {
  prepared = mkdtempSync(join(scratch, 'prepared-'))
  chmodSync(prepared, 0o755)
  working = join(prepared, 'project')
  mkdirSync(working)
})

afterEach(() => {
  server.tokens.length = 0
  server.connections = 0
})

/** A folder of a system whose broker is the planted server, and whose secret is a link to the victim's. */
function plantDirectory(folder: string): string {
  const path = join(folder, '.jamey')
  cpSync(join(scratch, 'planted'), path, { recursive: true })
  symlinkSync(secret, join(path, 'token-secret'))
  const broker = { host: '127.0.0.1', port: server.port }
  const record = {
    pid: process.pid,
    process_started: null,
    version: '0.1.0',
    started_at: '',
    broker,
    gateway: null,
  }
  writeFileSync(join(path, 'run.json'), JSON.stringify(record))
  return path
}

function plantEnvironment(folder: string): string {
  const path = join(folder, '.env')
  const lines = [
    `MQTT_BROKER_URL=mqtts://127.0.0.1:${server.port}`,
    `MQTT_TLS_CA_CERT=${join(scratch, 'planted/certs/ca.crt')}`,
    `MQTT_JWT_SECRET_FILE=${secret}`,
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function give(uid: number, ...paths: readonly string[]): void {
  for (const path of paths) execFileSync('chown', ['-Rh', `${uid}:${uid}`, path])
}

const evaluate = (env: Record<string, string> = {}) =>
  jamey(working, ['evaluate', 'be kind', '--timeout', '2'], undefined, env)

describe('what somebody prepared', () => {
  it.skipIf(!isRoot)('a .jamey above the folder, of another user, gets no token', async () => {
    give(MALLORY, plantDirectory(prepared))
    const { code, stderr } = await evaluate()
    expect(server.tokens).toEqual([])
    expect(server.connections).toBe(0)
    expect(code).toBe(2)
    expect(stderr).toContain(`${join(prepared, '.jamey')} is not believed: it belongs to uid ${MALLORY}`)
    expect(stderr).toContain('expected root (uid 0)')
    expect(stderr).toContain(`set JAMEY_SAFE_DIRECTORY=${join(prepared, '.jamey')}`)
  })

  it.skipIf(!isRoot)(
    'a .jamey of the own in a folder that another user could exchange it in gets none',
    async () => {
      plantDirectory(prepared)
      chownSync(prepared, MALLORY, MALLORY)
      const { code, stderr } = await evaluate()
      expect(server.connections).toBe(0)
      expect(code).toBe(2)
      expect(stderr).toContain(`${join(prepared, '.jamey')} is not believed: ${prepared} belongs to`)
    },
  )

  it('a .jamey that was unpacked, with a link to the secret of another one, gets none', async () => {
    const path = plantDirectory(prepared)
    const { code, stderr } = await evaluate()
    expect(server.connections).toBe(0)
    expect(code).toBe(2)
    expect(stderr).toContain(`${join(path, 'token-secret')} is not believed: it is a link out of its folder`)
    // Nor does a link in the place of the whole folder.
    rmSync(path, { recursive: true })
    symlinkSync(join(scratch, 'own', '.jamey'), path)
    expect((await evaluate()).stderr).toContain('it is a link out of its folder')
  })

  it.skipIf(!isRoot)('a .env of another user, or a link to one, gets no token', async () => {
    const path = plantEnvironment(working)
    lchownSync(path, MALLORY, MALLORY)
    const { code, stderr } = await evaluate()
    expect(server.connections).toBe(0)
    expect(code).toBe(2)
    expect(stderr).toContain(`${path} is not believed: it belongs to uid ${MALLORY}`)
    rmSync(path)
    symlinkSync(plantEnvironment(prepared), path)
    expect((await evaluate()).code).toBe(2)
    expect(server.connections).toBe(0)
  })

  it.skipIf(!isRoot)('cannot be made believed by a .env of its own', async () => {
    const path = plantEnvironment(working)
    lchownSync(path, MALLORY, MALLORY)
    execFileSync('bash', ['-c', `echo JAMEY_SAFE_DIRECTORY=${working} >> ${path}`])
    expect((await evaluate()).code).toBe(2)
    expect(server.connections).toBe(0)
  })

  it.skipIf(!isRoot)('is used where the user vouches for it', async () => {
    give(MALLORY, plantDirectory(prepared))
    await evaluate({ JAMEY_SAFE_DIRECTORY: prepared })
    expect(server.tokens[0]).toMatch(/^eyJ/)
    const [, claims = ''] = server.tokens[0]?.split('.') ?? []
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      permissions: ['jamey/#'],
    })
  })

  it('of the own is used as ever', async () => {
    plantEnvironment(working)
    await evaluate()
    expect(server.tokens).not.toEqual([])
  })
})

describe.skipIf(!isRoot)('root in the folder of another user', () => {
  it.each([
    [['up']],
    [['run', 'conscience', '--data-dir', '.jamey']],
    [['broker', '--data-dir', '.jamey']],
    [['broker', 'backup', 'copy', '--data-dir', '.jamey']],
    [['evaluate', 'be kind']],
    [['remember', 'x']],
    [['pub', 'lab/x', 'y']],
    [['token', '--sub', 'x']],
    [['certs']],
    [['certs', 'issue', 'x']],
    [['certs', 'issue', '--server', '--host', 'h', '--data-dir', '.jamey']],
    [['outbox', 'list']],
    [['memory', 'export', 'copy']],
    [['doctor']],
  ])('is refused: %j', async (args) => {
    mkdirSync(join(working, '.jamey/data'), { recursive: true })
    give(ALICE, working)
    const before = readdirSync(join(working, '.jamey'))
    const { code, stdout, stderr } = await jamey(working, args)
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain(`is not believed`)
    expect(stdout + stderr).toContain(`belongs to uid ${ALICE}; expected root (uid 0)`)
    expect(stdout + stderr).toContain('JAMEY_SAFE_DIRECTORY=')
    expect(readdirSync(join(working, '.jamey'))).toEqual(before)
    expect(readdirSync(working)).toEqual(['.jamey'])
  })

  it('makes no folder there either, nor a copy of anything', async () => {
    chownSync(working, ALICE, ALICE)
    const { code, stderr } = await jamey(working, ['up'])
    expect(code).toBe(2)
    expect(stderr).toContain(`${working} is not believed: it belongs to uid ${ALICE}`)
    expect(readdirSync(working)).toEqual([])
  })
})

/** Whether another user may run what stands here. */
const isReadable = isRoot && mayRun(ALICE)

function mayRun(uid: number): boolean {
  try {
    execFileSync(process.execPath, [join(REPOSITORY, 'apps/jamey/bin/jamey.js'), '--version'], {
      uid,
      gid: uid,
      cwd: '/',
    })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!isReadable)('a user in a folder of the own', () => {
  it('runs everything, with secrets that root put there for its group', async () => {
    chownSync(working, ALICE, ALICE)
    const ports = [String(await freePort()), String(await freePort())]
    const args = ['up', '--port', ports[0] ?? '', '--http-port', ports[1] ?? '']
    const program = new Program(working, args, {}, undefined, { uid: ALICE, gid: ALICE })
    await program.prints(/Ctrl-C/)
    await program.stop()
    const token = join(working, '.jamey/token-secret')
    expect(statSync(token).uid).toBe(ALICE)
    // As systemd hands credentials over.
    execFileSync('bash', ['-c', `chown 0:${ALICE} ${token} && chmod 440 ${token}`])
    const run = new Program(working, ['token', '--sub', 'x'], {}, undefined, { uid: ALICE, gid: ALICE })
    expect(await run.ended()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^eyJ/) })
    chmodSync(token, 0o444)
    const open = new Program(working, ['token', '--sub', 'x'], {}, undefined, { uid: ALICE, gid: ALICE })
    expect((await open.ended()).stderr).toContain('has mode 0444')
  })
})
