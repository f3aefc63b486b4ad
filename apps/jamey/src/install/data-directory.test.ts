import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkCertificates } from '../doctor/health-checks.js'
import { serverHostsOf } from './certificate-facts.js'
import {
  dataDirectoryAt,
  dataDirectoryOption,
  findDataDirectory,
  newDataDirectory,
} from './data-directory.js'
import { issueClient, issueServer, makeDataDirectory, provision, serverHosts } from './provision.js'

import { TestFolder } from './test-folder.support.js'

const at = new TestFolder()

describe('the data directory', () => {
  it('is made with certificates, secret and data, and used again', async () => {
    makeDataDirectory(at.directory)
    const { written } = await provision(at.directory, '127.0.0.1')
    expect(written).toEqual(
      expect.arrayContaining(['ca.crt', 'server.key', 'jamey-memory.crt', 'token-secret']),
    )
    const before = readFileSync(at.directory.serverCertificate, 'utf8')
    expect(await provision(at.directory, '127.0.0.1')).toEqual({ written: [], repaired: [] })
    expect(readFileSync(at.directory.serverCertificate, 'utf8')).toBe(before)
  })

  it('is not begun anew where a restore was interrupted before it put its own in place', async () => {
    const draft = `${at.directory.path}.restoring`
    mkdirSync(draft)
    expect(() => makeDataDirectory(at.directory)).toThrow(
      expect.objectContaining({ code: 'restore-interrupted', hint: expect.stringContaining(draft) }),
    )
    expect(existsSync(at.directory.path)).toBe(false)
    rmSync(draft, { recursive: true })
    makeDataDirectory(at.directory)
    // Of one that is there, nothing was touched.
    mkdirSync(draft)
    expect(makeDataDirectory(at.directory).repaired).toEqual([])
  })

  const isRoot = process.getuid?.() === 0
  if (isRoot) process.stderr.write('skipped: no folder is closed to root\n')
  it.skipIf(isRoot)(
    'that is closed to this user is said to be so, and not to lack what is in it',
    async () => {
      await at.install()
      chmodSync(at.directory.path, 0o000)
      onTestFinished(() => chmodSync(at.directory.path, 0o700))
      const closed = { code: 'data-file-unreadable', hint: 'run this as the user who ran `jamey up`' }
      expect(() => findDataDirectory(at.path, undefined)).toThrow(expect.objectContaining(closed))
      const below = `${at.directory.path}/below`
      expect(() => findDataDirectory(at.path, below)).toThrow(expect.objectContaining(closed))
      expect(() => newDataDirectory(at.path, below)).toThrow(expect.objectContaining(closed))
    },
  )

  it("is its owner's alone: folders 0700, secrets 0600", async () => {
    await at.install()
    const mode = (path: string) => statSync(path).mode & 0o777
    for (const path of [at.directory.path, at.directory.data, at.directory.certificates])
      expect(mode(path)).toBe(0o700)
    for (const path of [at.directory.secret, at.directory.serverKey, at.directory.clientKey('ca')])
      expect(mode(path)).toBe(0o600)
    chmodSync(at.directory.path, 0o755)
    expect(makeDataDirectory(at.directory).repaired[0]).toContain('was open to others (mode 0755)')
    expect(mode(at.directory.path)).toBe(0o700)
  })

  it('gets a new server certificate where another host is asked for', async () => {
    await at.install()
    expect((await provision(at.directory, 'jamey.example.org')).written).toEqual(['server.crt'])
    expect(serverHostsOf(at.directory)).toContain('jamey.example.org')
    // Neither the next start nor another host takes one away.
    expect((await provision(at.directory, '127.0.0.1')).written).toEqual([])
    expect((await issueServer(at.directory, ['broker.local', '::1'])).written).toEqual(['server.crt'])
    expect(serverHostsOf(at.directory)).toEqual(
      expect.arrayContaining(['127.0.0.1', '::1', 'jamey.example.org', 'broker.local']),
    )
    expect(serverHosts('0.0.0.0')).not.toContain('0.0.0.0')
  })

  it('is made whole by the first server certificate, for parts that never run in one process', async () => {
    const { written } = await issueServer(at.directory, ['broker.local'])
    expect(written).toEqual(expect.arrayContaining(['ca.crt', 'jamey-memory.key', 'token-secret']))
    expect(statSync(at.directory.path).mode & 0o777).toBe(0o700)
    expect((await provision(at.directory, '127.0.0.1')).written).toEqual([])
  })

  it('issues a certificate for one more client, once, and leaves the others alone', async () => {
    await at.install()
    await issueServer(at.directory, ['broker.local'])
    expect((await issueClient(at.directory, 'worker-1')).written).toEqual(['worker-1.key', 'worker-1.crt'])
    expect((await issueClient(at.directory, 'worker-1')).written).toEqual([])
    expect(statSync(at.directory.clientKey('worker-1')).mode & 0o777).toBe(0o600)
    expect(serverHostsOf(at.directory)).toContain('broker.local')
    await expect(issueClient(at.directory, '../worker')).rejects.toThrow(/name a file here/)
    // Its key may be taken to where it is used.
    rmSync(at.directory.clientKey('worker-1'))
    expect(
      checkCertificates(at.directory, new Date(), at.path).filter(({ status }) => status !== 'ok'),
    ).toEqual([])
  })

  it('is found in the folder or above it, or where the option says', async () => {
    mkdirSync(at.directory.path)
    const below = join(at.path, 'a', 'b')
    mkdirSync(below, { recursive: true })
    expect(findDataDirectory(below, undefined)?.path).toBe(at.directory.path)
    expect(findDataDirectory(below, '../../.jamey')?.path).toBe(at.directory.path)
    expect(findDataDirectory(below, 'absent')).toBeUndefined()
    expect(dataDirectoryOption(at.directory, at.path)).toBe('')
    expect(dataDirectoryOption(dataDirectoryAt(join(at.path, "it's")), at.path)).toBe(
      ` --data-dir 'it'\\''s'`,
    )
  })
})
