import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { MemoryStore, OwnerLock } from '@jamey/memory'
import { openRecordStore } from '@jamey/store'
import { beforeEach, describe, expect, it } from 'vitest'
import { type BackupManifest, readManifest, writeManifest } from '../../backup/manifest.js'
import { claimRunFile } from '../../install/run-file.js'
import { TestFolder } from '../../install/test-folder.support.js'
import { runCommand } from '../run-command.support.js'

const at = new TestFolder()
const KEPT = 'kept'

beforeEach(async () => {
  await at.install()
  mkdirSync(join(at.directory.data, 'audit'), { mode: 0o700 })
  writeFileSync(join(at.directory.data, 'audit', 'a.jsonl'), '{"n":1}\n{"n":2', { mode: 0o600 })
  writeFileSync(join(at.path, '.env'), 'JAMEY_POLICY_FILE=policy.yaml\n', { mode: 0o600 })
  writeFileSync(join(at.path, 'policy.yaml'), 'rules: []\n')
})

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => runCommand(at.path, args, env)

async function failure(
  args: readonly string[],
): Promise<{ code: string; message: string; exit_code: number }> {
  const { code, stderr } = await run([...args, '--json'])
  expect(code).not.toBe(0)
  return JSON.parse(stderr.split('\n').find((line) => line.startsWith('{')) ?? '{}').error
}

async function made(...options: string[]): Promise<BackupManifest> {
  const { code, stderr } = await run(['backup', KEPT, ...options])
  expect(code, stderr).toBe(0)
  return readManifest(join(at.path, KEPT))
}

const kept = (...names: string[]): string => join(at.path, KEPT, 'files', ...names)

describe('jamey backup', () => {
  it('has every file with its size, mode and checksum, for its owner only, and the settings beside them', async () => {
    writeFileSync(join(at.directory.data, 'memory.db.reserve'), 'room', { mode: 0o600 })
    const { files, stores, left_out: leftOut } = await made('--with', 'policy.yaml')
    const paths = files.map(({ path }) => path)
    for (const path of [
      'certs/ca.key',
      'token-secret',
      'data/audit/a.jsonl',
      'settings/.env',
      'settings/policy.yaml',
    ]) {
      expect(paths).toContain(path)
    }
    expect(paths.some((path) => /run\.json|\.lock|-wal|\.reserve/.test(path))).toBe(false)
    expect([stores, leftOut]).toEqual([[], []])
    expect(files.find(({ path }) => path === 'token-secret')).toMatchObject({ mode: '0600' })
    for (const { path, bytes } of files) {
      expect(statSync(kept(path))).toMatchObject({ size: bytes })
      expect(statSync(kept(path)).mode & 0o077).toBe(0)
    }
    // Half a line was being written.
    expect(readFileSync(kept('data/audit/a.jsonl'), 'utf8')).toBe('{"n":1}\n')
    expect(await run(['backup', 'verify', KEPT])).toMatchObject({ code: 0 })
  })

  it('has what a variable has put elsewhere, in the place that it has in a data directory', async () => {
    const file = join(at.path, 'elsewhere', 'm.db')
    const store = MemoryStore.open({ file })
    await store.store({ content: 'we met in Lisbon' }, { id: 'm1', source: 'agent' })
    const { code } = await run(['backup', KEPT], {
      JAMEY_MEMORY_FILE: file,
      JAMEY_MEMORY_URL: 'postgres://h/d',
    })
    await store.close()
    expect(code).toBe(0)
    const { stores, elsewhere } = readManifest(join(at.path, KEPT))
    expect(stores).toMatchObject([{ path: 'data/memory.db', kind: 'jamey memory file' }])
    expect(elsewhere[0]).toContain('pg_dump')
    const { stderr } = await run(['restore', KEPT, '--data-dir', 'new'], { JAMEY_MEMORY_FILE: file })
    expect(stderr).toContain('JAMEY_MEMORY_FILE is set, and names another place')
    const again = MemoryStore.open({ file: join(at.path, 'new', 'data', 'memory.db') })
    expect((await again.query({ query: 'lisbon' })).total).toBe(1)
    await again.close()
  })

  it('is without secrets where that is asked for, and tells which', async () => {
    const { files, left_out: leftOut } = await made('--without-secrets')
    expect(leftOut).toEqual(
      expect.arrayContaining([
        'certs/ca.key',
        'certs/server.key',
        'token-secret',
        'receipt-key.pem',
        'settings/.env',
      ]),
    )
    const text = files.map(({ path }) => readFileSync(kept(path), 'latin1')).join('')
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toContain(readFileSync(at.directory.secret, 'utf8').trim())
    const { stderr } = await run(['restore', KEPT, '--data-dir', 'new'])
    expect(stderr).toContain('to be put back before a start: certs/ca.key')
  })

  it('is restored below folders that are not there yet, which are made for its owner only', async () => {
    await made()
    expect(await run(['restore', KEPT, '--data-dir', 'drills/today/.jamey'])).toMatchObject({ code: 0 })
    for (const path of ['drills', 'drills/today', 'drills/today/.jamey'])
      expect(statSync(join(at.path, path)).mode & 0o777).toBe(0o700)
  })

  it('is refused in a folder that has something, and without an installation', async () => {
    mkdirSync(join(at.path, KEPT), { mode: 0o700 })
    writeFileSync(join(at.path, KEPT, 'mine.txt'), 'mine')
    expect(await failure(['backup', KEPT])).toMatchObject({ code: 'folder-not-empty', exit_code: 2 })
    expect(readdirSync(join(at.path, KEPT))).toEqual(['mine.txt'])
    expect(await failure(['backup', 'b', '--data-dir', 'nowhere'])).toMatchObject({
      code: 'no-data-directory',
    })
    expect(await failure(['backup', 'b', '--with', 'nowhere.yaml'])).toMatchObject({ code: 'no-such-file' })
    expect(existsSync(join(at.path, 'b'))).toBe(false)
  })
})

describe('jamey backup verify', () => {
  it('names each file that is missing or another', async () => {
    await made()
    rmSync(kept('certs', 'ca.crt'))
    appendFileSync(kept('token-secret'), 'x')
    const bytes = readFileSync(kept('certs', 'server.key'))
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20)
    writeFileSync(kept('certs', 'server.key'), bytes)
    for (const command of [
      ['backup', 'verify', KEPT],
      ['restore', KEPT, '--data-dir', 'new'],
    ]) {
      const { code, message } = await failure(command)
      expect(code).toBe('backup-damaged')
      expect(message).toContain('certs/ca.crt is missing')
      expect(message).toContain('certs/server.key has another checksum')
      expect(message).toMatch(/token-secret has \d+ bytes, expected \d+/)
    }
    expect(existsSync(join(at.path, 'new'))).toBe(false)
  })

  it('knows a manifest that is missing, damaged, or leads out of the folder', async () => {
    await made()
    const file = join(at.path, KEPT, 'manifest.json')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('"mode": "0600"', '"mode": "0666"'))
    expect(await failure(['backup', 'verify', KEPT])).toMatchObject({ code: 'backup-damaged' })
    writeFileSync(file, text.slice(0, 100))
    expect(await failure(['backup', 'verify', KEPT])).toMatchObject({ code: 'backup-damaged' })
    writeFileSync(file, text)
    const manifest = readManifest(join(at.path, KEPT))
    const [first] = manifest.files
    for (const path of ['../../x', '/etc/x', 'a/../../x', 'a//b', 'a\\b']) {
      const files = first === undefined ? [] : [{ ...first, path }]
      writeManifest(join(at.path, KEPT), { ...manifest, files })
      expect(await failure(['restore', KEPT, '--data-dir', 'new'])).toMatchObject({ code: 'backup-damaged' })
    }
    rmSync(file)
    expect(await failure(['backup', 'verify', KEPT])).toMatchObject({ code: 'no-backup', exit_code: 2 })
  })

  it('refuses stores of a later version, and kinds that are not known, and names both versions', async () => {
    const manifest = await made()
    for (const [kind, path] of [
      ['jamey approvals', 'data/approvals/x'],
      ['jamey broker store', 'data/broker'],
      ['jamey memory file', 'data/memory.db'],
      ['jamey session store', 'data/outbox/x'],
      ['jamey sessions', 'data/sessions/x'],
      ['of tomorrow', 'data/new'],
    ] as const) {
      const stores = [{ path, kind, format: 1000 }]
      writeManifest(join(at.path, KEPT), { ...manifest, made_by: '9.9.9', stores })
      const { code, message } = await failure(['restore', KEPT, '--data-dir', 'new'])
      expect(code).toBe('backup-newer')
      const reads = kind === 'of tomorrow' ? 'knows no such thing' : 'reads up to '
      expect(message).toContain(`${path} ('${kind}') has format 1000, and this version ${reads}`)
    }
    expect((await run(['backup', 'verify', KEPT])).stderr).toContain('install Jamey 9.9.9')
  })
})

describe('jamey restore', () => {
  it.skipIf(process.platform === 'win32')(
    'takes nothing of a backup that somebody else prepared',
    async () => {
      const manifest = await made()
      const backup = join(at.path, KEPT)
      const [first] = manifest.files
      if (first === undefined) throw new Error('it has files')
      const refused = async (code: string) => {
        expect(await failure(['restore', KEPT, '--data-dir', 'new'])).toMatchObject({ code })
        expect(existsSync(join(at.path, 'new'))).toBe(false)
      }
      // Links out of it, to a file and to a folder, and one within it in the place of a file.
      const elsewhere = join(at.path, 'elsewhere')
      writeFileSync(elsewhere, 'secret')
      const path = kept(...first.path.split('/'))
      const bytes = readFileSync(path)
      for (const target of [elsewhere, '/dev/zero', at.path]) {
        rmSync(path, { force: true })
        symlinkSync(target, path)
        await refused('link-leads-out')
      }
      rmSync(path)
      symlinkSync(kept('settings', 'policy.yaml'), path)
      await refused('backup-damaged')
      rmSync(path)
      execFileSync('mkfifo', [path])
      await refused('backup-damaged')
      rmSync(path)
      writeFileSync(path, bytes, { mode: 0o600 })
      // More bytes than there are, one place twice, the file of who restores, and a folder in the place of a file.
      const lies = [
        [{ ...first, bytes: Number.MAX_SAFE_INTEGER }],
        [{ ...first, mode: '4755' }],
        [{ ...first, path: 'run.json' }],
        [{ ...first, path: 'certs' }],
      ]
      for (const files of lies) {
        writeManifest(backup, { ...manifest, files })
        await refused('backup-damaged')
      }
      writeManifest(backup, { ...manifest, files: [first, first] })
      await refused('file-unwritable')
      // Neither a pipe nor a manifest without an end is waited for.
      rmSync(join(backup, 'manifest.json'))
      execFileSync('mkfifo', [join(backup, 'manifest.json')])
      await refused('backup-unreadable')
      rmSync(join(backup, 'manifest.json'))
      writeFileSync(join(backup, 'manifest.json'), '{', { mode: 0o600 })
      truncateSync(join(backup, 'manifest.json'), 2 ** 31)
      await refused('backup-unreadable')
    },
  )

  it('tells what a backup says of itself without steering the terminal', async () => {
    const manifest = await made()
    const steering = 'x\u001b]0;taken\u0007\u202e'
    const words = { left_out: [steering], elsewhere: [steering] }
    writeManifest(join(at.path, KEPT), { ...manifest, ...words })
    const { code, stdout, stderr } = await run(['restore', KEPT, '--data-dir', 'new'])
    expect(code).toBe(0)
    expect(`${stdout}${stderr}`).toContain('x\\u001b]0;taken\\u0007\\u202e')
    expect(`${stdout}${stderr}`).not.toContain(steering)
  })

  it('makes the data directory again, as it was', async () => {
    const { files } = await made()
    const { code, stdout } = await run(['restore', KEPT, '--data-dir', 'new', '--json'])
    expect(code).toBe(0)
    const restored = join(at.path, 'new')
    expect(JSON.parse(stdout)).toMatchObject({
      data_directory_restored: restored,
      set_aside: null,
      settings: ['settings/.env', 'settings/policy.yaml'],
    })
    expect(statSync(restored).mode & 0o777).toBe(0o700)
    for (const { path, mode } of files) {
      expect(readFileSync(join(restored, path))).toEqual(readFileSync(kept(path)))
      expect((statSync(join(restored, path)).mode & 0o777).toString(8)).toBe(mode.replace(/^0/, ''))
    }
    expect(readdirSync(at.path)).not.toContain('new.restoring')
  })

  it('sets aside what is there where that is asked for, and deletes nothing', async () => {
    await made()
    appendFileSync(at.directory.secret, 'changed since\n')
    expect(await failure(['restore', KEPT])).toMatchObject({ code: 'folder-not-empty', exit_code: 2 })
    const { code, stdout } = await run(['restore', KEPT, '--replace', '--json'])
    expect(code).toBe(0)
    const { set_aside: aside } = JSON.parse(stdout)
    expect(readFileSync(join(aside, 'token-secret'), 'utf8')).toContain('changed since')
    expect(readFileSync(at.directory.secret, 'utf8')).not.toContain('changed since')
  })

  it('is refused while the system runs, or one part of it', async () => {
    await made()
    const claim = claimRunFile(at.directory.path, '0.1.0')
    expect(await failure(['restore', KEPT, '--replace'])).toMatchObject({ code: 'system-running' })
    claim.release()
    const path = join(at.directory.data, 'approvals', 'one')
    const records = await openRecordStore({ path, kind: 'jamey approvals', version: 1 })
    expect((await failure(['restore', KEPT, '--replace'])).message).toContain(path)
    await records.close()
    const file = join(at.directory.data, 'memory.db')
    await MemoryStore.open({ file }).close()
    const lock = OwnerLock.tryTake(file)
    expect((await failure(['restore', KEPT, '--replace'])).message).toContain('a memory has')
    lock?.release()
    expect(await run(['restore', KEPT, '--replace'])).toMatchObject({ code: 0 })
  })

  it('begins anew where one was interrupted, and waits for none that runs', async () => {
    await made()
    const draft = join(at.path, 'new.restoring')
    mkdirSync(draft, { mode: 0o700 })
    writeFileSync(join(draft, 'half'), 'half')
    const claim = claimRunFile(draft, '0.1.0')
    expect(await failure(['restore', KEPT, '--data-dir', 'new'])).toMatchObject({ code: 'restore-running' })
    claim.release()
    expect(await run(['restore', KEPT, '--data-dir', 'new'])).toMatchObject({ code: 0 })
    expect(existsSync(join(at.path, 'new', 'half'))).toBe(false)
    expect(existsSync(draft)).toBe(false)
  })

  it('refuses a backup that others can write to', async () => {
    await made()
    chmodSync(join(at.path, KEPT), 0o777)
    const { stderr } = await run(['restore', KEPT, '--data-dir', 'new'])
    expect(stderr).toMatch(/is not believed/)
  })
})
