import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  finishRotation,
  prepareAuthority,
  readCertificates,
  renewCertificates,
  revokeCertificate,
  rotationStage,
  switchAuthority,
} from '../authority.js'
import { createCertificateDirectory, readRevocationLists } from '../index.js'

const DAY_MS = 86_400_000
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jamey-auth-'))
  path = join(folder, 'certs')
  await createCertificateDirectory(path, { components: ['eva', 'robot'], hosts: ['hub.example', '::1'] })
})

afterEach(() => rm(folder, { recursive: true }))

const read = (name: string) => readFile(join(path, name), 'utf8')
const certificate = async (name: string) => new X509Certificate(await read(name))
const authorities = async () => readCertificates(await read('ca.crt'))
const names = (all: readonly X509Certificate[]) => all.map(({ subject }) => subject.replace('CN=', ''))
const lists = async () => readRevocationLists(await readFile(join(path, 'crl.pem')), [await read('ca.crt')])

describe('renewCertificates', () => {
  it('issues everything again that ends soon, further clients among it, and keeps keys and hosts', async () => {
    const keys = await Promise.all(['server.key', 'robot.key'].map(read))
    expect(await renewCertificates(path)).toEqual({ written: [], faults: [] })
    const later = Date.now() + 340 * DAY_MS
    const { written, faults } = await renewCertificates(path, { now: () => later })
    expect({ written, faults }).toEqual({ written: ['eva.crt', 'robot.crt', 'server.crt'], faults: [] })
    expect(await Promise.all(['server.key', 'robot.key'].map(read))).toEqual(keys)
    const server = await certificate('server.crt')
    expect([server.checkHost('hub.example'), server.checkIP('::1')]).not.toContain(undefined)
    expect(Date.parse(server.validTo)).toBeGreaterThan(later + 300 * DAY_MS)
  })

  it('renews the names it is given and no others, and those that end within the time it is given', async () => {
    const withinMs = 366 * DAY_MS
    expect((await renewCertificates(path, { names: ['robot'], withinMs })).written).toEqual(['robot.crt'])
    await expect(renewCertificates(path, { names: ['bob'] })).rejects.toMatchObject({
      code: 'certificate-missing',
      message: `${join(path, 'bob.crt')} is missing: there is nothing to renew; expected one of eva, robot, server`,
    })
  })

  it('looks after the others where one is damaged or has lost its key', async () => {
    await rm(join(path, 'eva.key'))
    await writeFile(join(path, 'server.crt'), 'nothing')
    const { written, faults } = await renewCertificates(path, { withinMs: 366 * DAY_MS })
    expect(written).toEqual(['robot.crt'])
    expect(faults.map(({ name }) => name)).toEqual(['eva', 'server'])
    expect(faults[0]?.error.message).toContain('eva.key is missing while its certificate is there')
  })

  it('tells that the key of the authority is missing only where something is due', async () => {
    await rename(join(path, 'ca.key'), join(folder, 'ca.key'))
    expect((await renewCertificates(path)).faults).toEqual([])
    const { faults } = await renewCertificates(path, { withinMs: 366 * DAY_MS })
    expect(faults).toHaveLength(3)
    expect(faults[0]?.error).toMatchObject({ code: 'certificate-missing', path: join(path, 'ca.key') })
  })
})

describe('the rotation of an authority', () => {
  it('trusts both while one follows the other, and has everything signed by the new one', async () => {
    const before = await certificate('ca.crt')
    const eva = await certificate('eva.crt')
    expect(rotationStage(path)).toBe('none')
    expect((await prepareAuthority(path)).written).toEqual(['ca-next.key', 'ca.crt'])
    expect(rotationStage(path)).toBe('prepared')
    expect(names(await authorities())).toEqual([
      'Jamey certificate authority',
      'Jamey certificate authority 2',
    ])
    expect((await stat(join(path, 'ca-next.key'))).mode & 0o777).toBe(0o600)
    // Nothing changes hands yet, whatever is started or renewed meanwhile.
    expect((await prepareAuthority(path)).written).toEqual([])
    expect((await renewCertificates(path)).written).toEqual([])
    await createCertificateDirectory(path, { components: ['late'], hosts: ['hub.example'] })
    expect((await certificate('late.crt')).verify(before.publicKey)).toBe(true)

    const { written, faults } = await switchAuthority(path)
    expect(faults).toEqual([])
    expect(written).toEqual([
      ...['ca-before.key', 'ca.key', 'ca.crt', 'eva.crt', 'late.crt', 'robot.crt', 'server.crt'],
    ])
    expect(rotationStage(path)).toBe('switched')
    const [signing, former] = await authorities()
    expect(former?.raw.equals(before.raw)).toBe(true)
    for (const name of ['eva.crt', 'server.crt']) {
      expect((await certificate(name)).verify((signing as X509Certificate).publicKey)).toBe(true)
    }
    expect((await certificate('eva.crt')).publicKey.equals(eva.publicKey)).toBe(true)
    await expect(prepareAuthority(path)).rejects.toThrow('is not finished; expected to finish it first')

    expect((await finishRotation(path)).written).toEqual(['ca.crt'])
    expect(names(await authorities())).toEqual(['Jamey certificate authority 2'])
    expect([rotationStage(path), existsSync(join(path, 'ca-before.key'))]).toEqual(['none', false])
    await prepareAuthority(path)
    expect(names(await authorities())[1]).toBe('Jamey certificate authority 3')
  })

  it.each(['after the key of the former was kept', 'after the other key was put in its place'] as const)(
    'completes a switch that ended %s, and a start works in between',
    async (when) => {
      await prepareAuthority(path)
      await writeFile(join(path, 'ca-before.key'), await read('ca.key'), { mode: 0o600 })
      if (when.includes('other')) await rename(join(path, 'ca-next.key'), join(path, 'ca.key'))
      await createCertificateDirectory(path, { components: ['eva'], hosts: ['hub.example'] })
      expect((await switchAuthority(path)).faults).toEqual([])
      expect(names(await authorities())).toEqual([
        'Jamey certificate authority 2',
        'Jamey certificate authority',
      ])
      await finishRotation(path)
      expect(await renewCertificates(path)).toEqual({ written: [], faults: [] })
    },
  )

  it('completes a beginning that was interrupted, and goes no further without it', async () => {
    await prepareAuthority(path)
    const [first] = await authorities()
    await writeFile(join(path, 'ca.crt'), `${first}`)
    await expect(switchAuthority(path)).rejects.toThrow('was interrupted; expected to begin it again')
    await prepareAuthority(path)
    expect(await authorities()).toHaveLength(2)
  })

  it('is not finished while the former authority signed what is in use, nor out of turn', async () => {
    await expect(switchAuthority(path)).rejects.toThrow('has not begun')
    await expect(finishRotation(path)).rejects.toThrow('has not begun')
    const eva = await read('eva.crt')
    await prepareAuthority(path)
    await expect(finishRotation(path)).rejects.toThrow('is prepared only; expected to switch first')
    await switchAuthority(path)
    await writeFile(join(path, 'eva.crt'), eva)
    await expect(finishRotation(path)).rejects.toMatchObject({
      code: 'certificate-mismatch',
      message: expect.stringContaining('signed eva.crt; issue these again'),
    })
    expect(await authorities()).toHaveLength(2)
  })

  it('needs the key of the authority to switch', async () => {
    await prepareAuthority(path)
    await rename(join(path, 'ca.key'), join(folder, 'ca.key'))
    await expect(switchAuthority(path)).rejects.toMatchObject({ code: 'certificate-missing' })
    expect(rotationStage(path)).toBe('prepared')
  })
})

describe('revokeCertificate', () => {
  it('writes a list that the broker takes, and the next certificate has a new key', async () => {
    const robot = await certificate('robot.crt')
    const { serialNumber, moved } = await revokeCertificate(path, 'robot', { reason: 'keyCompromise' })
    expect([serialNumber, moved]).toEqual([robot.serialNumber, ['robot.key', 'robot.crt']])
    const [list] = await lists()
    const issuer = list?.issuer ?? ''
    expect(list?.has({ issuer, serialNumber })).toBe(true)
    expect(list?.size).toBe(1)
    expect(existsSync(join(path, 'revoked', `robot-${serialNumber}.crt`))).toBe(true)
    await createCertificateDirectory(path, { components: ['robot'], hosts: ['hub.example'] })
    expect((await certificate('robot.crt')).publicKey.equals(robot.publicKey)).toBe(false)
    await revokeCertificate(path, 'eva')
    expect((await lists()).map(({ size }) => size)).toEqual([2])
  })

  it('is signed again before it ends, and through a rotation by both authorities', async () => {
    await revokeCertificate(path, 'robot')
    const [first] = await lists()
    const later = Date.now() + 61 * DAY_MS
    expect((await renewCertificates(path, { now: () => later })).written).toEqual(['crl.pem'])
    expect((await lists())[0]?.nextUpdateMs).toBeGreaterThan((first?.nextUpdateMs ?? 0) + 60 * DAY_MS)
    await prepareAuthority(path)
    expect((await switchAuthority(path)).written).toContain('crl.pem')
    expect((await lists()).map(({ size }) => size)).toEqual([0, 1])
    await revokeCertificate(path, 'eva')
    expect((await lists()).map(({ size }) => size)).toEqual([1, 1])
    await finishRotation(path)
    expect((await lists()).map(({ size }) => size)).toEqual([1])
  })

  it('needs the key of the authority that issued it, and moves nothing without it', async () => {
    await rename(join(path, 'ca.key'), join(folder, 'ca.key'))
    await expect(revokeCertificate(path, 'robot')).rejects.toMatchObject({ code: 'certificate-mismatch' })
    expect(existsSync(join(path, 'robot.crt'))).toBe(true)
    await expect(revokeCertificate(path, 'nobody')).rejects.toMatchObject({ code: 'certificate-missing' })
  })
})
