import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  assertOwnFolder,
  createCertificateDirectory,
  isOpenSecret,
  OwnershipError,
  type OwnershipErrorCode,
  ownPath,
  readOwnFile,
  readTokenSecretFile,
} from '../index.js'

/** Who is nobody here: no account has this number. */
const STRANGER = 61_234
const isRoot = process.getuid?.() === 0
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-own-'))
  file = join(folder, 'settings')
  writeFileSync(file, 'A=1\n', { mode: 0o644 })
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const read = (path = file) => readOwnFile(path, { maximumBytes: 100 })

function refusal(work: () => unknown): OwnershipError {
  try {
    work()
  } catch (error) {
    if (error instanceof OwnershipError) return error
    throw error
  }
  throw new Error('it was believed')
}

const codeOf = (work: () => unknown): OwnershipErrorCode => refusal(work).code

describe('a file of the user', () => {
  it('is read, its folders being the own or those of root, and those of everybody sticky', () => {
    expect(read()).toBe('A=1\n')
    expect(ownPath(file)).toBe(file)
  })

  it('that is not there is missing, as the system says it', () => {
    expect(ownPath(join(folder, 'none', 'at', 'all'))).toBe(join(folder, 'none', 'at', 'all'))
    expect(() => read(join(folder, 'none'))).toThrow(/ENOENT/)
    expect(() => readOwnFile(file, { maximumBytes: 3 })).toThrow('has 4 bytes, at most 3 are read')
  })

  it('may come from the shell', () => {
    const script = `import { readOwnFile } from ${JSON.stringify(join(import.meta.dirname, '../../dist/files/own-files.js'))}
      process.stdout.write(readOwnFile(process.argv[1], { maximumBytes: 100, isSecret: true }))`
    const command = `exec "$0" --input-type=module -e "$1" <(printf secret)`
    expect(execFileSync('bash', ['-c', command, process.execPath, script]).toString()).toBe('secret')
  })
})

describe('what others may write', () => {
  it.each([0o646, 0o666])('is refused with mode %o of the file', (mode) => {
    chmodSync(file, mode)
    const error = refusal(read)
    expect(error).toMatchObject({ code: 'open-to-others', path: file })
    expect(error.message).toContain(`${file} is not believed: it has mode 0${mode.toString(8)}`)
    expect(error.message).toContain(`chmod go-w ${file}`)
    expect(error.message).toContain(`JAMEY_SAFE_DIRECTORY=${folder}`)
  })

  it('is refused with such a folder anywhere above it, unless that is sticky', () => {
    const below = join(folder, 'a', 'b')
    mkdirSync(below, { recursive: true })
    chmodSync(join(folder, 'a'), 0o777)
    writeFileSync(join(below, 'x'), 'x')
    expect(refusal(() => read(join(below, 'x')))).toMatchObject({ path: join(folder, 'a') })
    chmodSync(join(folder, 'a'), 0o1777)
    expect(read(join(below, 'x'))).toBe('x')
    chmodSync(below, 0o1777)
    // A file that belongs to the user cannot be taken away there, but others could put one beside it.
    expect(read(join(below, 'x'))).toBe('x')
    expect(codeOf(() => assertOwnFolder(below))).toBe('open-to-others')
  })

  it.skipIf(!isRoot)('is refused for a group, but not for the group that each user has of its own', () => {
    chmodSync(file, 0o664)
    // Root's own group, in which nobody else is.
    expect(read()).toBe('A=1\n')
    // 'daemon': the group of somebody else.
    chownSync(file, 0, 1)
    expect(codeOf(read)).toBe('open-to-others')
  })

  it('is believed where the user says so, and nowhere else', () => {
    chmodSync(file, 0o666)
    vi.stubEnv('JAMEY_SAFE_DIRECTORY', `/nowhere:${folder}`)
    expect(read()).toBe('A=1\n')
    expect(() => assertOwnFolder(folder)).not.toThrow()
    vi.stubEnv('JAMEY_SAFE_DIRECTORY', `${folder}x:${join(folder, 'other')}`)
    expect(codeOf(read)).toBe('open-to-others')
    vi.stubEnv('JAMEY_SAFE_DIRECTORY', '')
    expect(codeOf(read)).toBe('open-to-others')
  })
})

describe.skipIf(!isRoot)('what belongs to somebody else', () => {
  it('is refused, and told with its owner and the way out', () => {
    chownSync(file, STRANGER, STRANGER)
    const error = refusal(read)
    expect(error.code).toBe('owner-foreign')
    expect(error.message).toBe(
      `${file} is not believed: it belongs to uid ${STRANGER}; expected root (uid 0): chown it, or, where everybody who may write there may act in your name, set JAMEY_SAFE_DIRECTORY=${folder}`,
    )
    chownSync(file, 1, 1)
    expect(refusal(read).message).toContain('belongs to daemon (uid 1)')
    expect(refusal(read).message).toContain('run this as its owner (sudo -u daemon ...)')
  })

  it('is refused in a folder of somebody else, even where the file is the own, and by a hard link', () => {
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    linkSync(file, join(theirs, 'settings'))
    chownSync(theirs, STRANGER, STRANGER)
    const error = refusal(() => read(join(theirs, 'settings')))
    expect(error).toMatchObject({ code: 'owner-foreign', path: theirs })
    expect(error.message).toContain(`${join(theirs, 'settings')} is not believed: ${theirs} belongs to`)
    expect(codeOf(() => ownPath(join(theirs, 'not', 'there')))).toBe('owner-foreign')
  })

  it('is refused deep within a folder, too', () => {
    mkdirSync(join(folder, 'certs'))
    writeFileSync(join(folder, 'certs', 'ca.crt'), 'x')
    expect(() => assertOwnFolder(folder)).not.toThrow()
    chownSync(join(folder, 'certs', 'ca.crt'), STRANGER, STRANGER)
    expect(refusal(() => assertOwnFolder(folder))).toMatchObject({ path: join(folder, 'certs', 'ca.crt') })
  })

  it('keeps a token secret and a directory of certificates from being used', async () => {
    chmodSync(file, 0o600)
    writeFileSync(file, 's'.repeat(43))
    expect(await readTokenSecretFile(file)).toBe('s'.repeat(43))
    const certificates = join(folder, 'certs')
    mkdirSync(certificates, { mode: 0o700 })
    for (const path of [file, certificates]) chownSync(path, STRANGER, STRANGER)
    await expect(readTokenSecretFile(file)).rejects.toThrow(OwnershipError)
    await expect(createCertificateDirectory(certificates)).rejects.toThrow(OwnershipError)
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, STRANGER, STRANGER)
    await expect(createCertificateDirectory(join(theirs, 'certs'))).rejects.toThrow(OwnershipError)
  })
})

describe('a link', () => {
  it('is followed where it was named and nobody else can have made it', () => {
    symlinkSync('settings', join(folder, 'a'))
    symlinkSync(join(folder, 'a'), join(folder, 'b'))
    expect(read(join(folder, 'b'))).toBe('A=1\n')
    expect(ownPath(join(folder, 'b'))).toBe(file)
  })

  it('in a folder that was looked for may not lead out of it', () => {
    const inner = join(folder, 'inner')
    mkdirSync(inner)
    symlinkSync('../settings', join(inner, 'out'))
    writeFileSync(join(inner, 'x'), 'x')
    symlinkSync('x', join(inner, 'in'))
    const options = { maximumBytes: 100, within: inner }
    expect(readOwnFile(join(inner, 'in'), options)).toBe('x')
    const error = refusal(() => readOwnFile(join(inner, 'out'), options))
    expect(error.code).toBe('link-leads-out')
    expect(error.message).toContain(`it is a link out of its folder, to ${file}`)
    expect(codeOf(() => assertOwnFolder(inner))).toBe('link-leads-out')
    // Named, it is the user's own decision.
    expect(read(join(inner, 'out'))).toBe('A=1\n')
  })

  it('to nothing is missing, and one to itself is an error of the system', () => {
    symlinkSync('nothing', join(folder, 'a'))
    symlinkSync('self', join(folder, 'self'))
    expect(() => read(join(folder, 'a'))).toThrow(/ENOENT/)
    expect(() => read(join(folder, 'self'))).toThrow(/ELOOP/)
  })

  it.skipIf(!isRoot)('of somebody else is refused, also in a folder that everybody may write to', () => {
    const open = join(folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o1777)
    const link = join(open, 'link')
    execFileSync('ln', ['-s', file, link])
    expect(read(link)).toBe('A=1\n')
    execFileSync('chown', ['-h', String(STRANGER), link])
    expect(codeOf(() => read(link))).toBe('owner-foreign')
  })
})

describe('a secret', () => {
  it('is refused where its group or others may read it', () => {
    const secret = () => readOwnFile(file, { maximumBytes: 100, isSecret: true })
    expect(codeOf(secret)).toBe('secret-exposed')
    chmodSync(file, 0o640)
    expect(refusal(secret).message).toContain(`chmod 600 ${file}`)
    chmodSync(file, 0o600)
    expect(secret()).toBe('A=1\n')
  })

  it('of root may be read by the group of somebody who needs it, and by no more', () => {
    const own = process.geteuid?.() ?? 0
    expect(isOpenSecret({ uid: own, mode: 0o100640 })).toBe(true)
    const asSomebodyElse = vi.spyOn(process as { geteuid(): number }, 'geteuid').mockReturnValue(STRANGER)
    expect(isOpenSecret({ uid: 0, mode: 0o100640 })).toBe(false)
    expect(isOpenSecret({ uid: 0, mode: 0o100440 })).toBe(false)
    expect(isOpenSecret({ uid: 0, mode: 0o100660 })).toBe(true)
    expect(isOpenSecret({ uid: 0, mode: 0o100644 })).toBe(true)
    expect(isOpenSecret({ uid: STRANGER, mode: 0o100640 })).toBe(true)
    asSomebodyElse.mockRestore()
  })
})
