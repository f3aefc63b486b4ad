import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createTokenSecretFile,
  readTokenSecretFile,
  readTokenSecretsFile,
  SecretError,
  signToken,
  TokenVerifier,
} from '../index.js'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jamey-auth-'))
  path = join(folder, "it's secret")
})

afterEach(() => rm(folder, { recursive: true }))

async function refusal(): Promise<SecretError> {
  const error = await readTokenSecretFile(path).catch((thrown: unknown) => thrown)
  if (error instanceof SecretError) return error
  throw new Error('the secret was read')
}

describe('the token secret file', () => {
  it('is made of 256 random bits for its owner alone, and read back', async () => {
    const { secret, isNew } = await createTokenSecretFile(path)
    expect(isNew).toBe(true)
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toBe(`${secret}\n`)
    expect(await readTokenSecretFile(path)).toBe(secret)
    const token = await signToken({ sub: 'eva', permissions: [] }, secret)
    expect(await new TokenVerifier({ secret }).verify(token)).toMatchObject({ sub: 'eva' })
  })

  it('is reused where it exists', async () => {
    const { secret } = await createTokenSecretFile(path)
    expect(await createTokenSecretFile(path)).toEqual({ secret, isNew: false })
  })

  it('is reused without writing anything, as on a disk that is full', async () => {
    // Beside a name of this length no draft can be made.
    const long = join(folder, 's'.repeat(250))
    await writeFile(long, `${'x'.repeat(43)}\n`, { mode: 0o600 })
    expect(await createTokenSecretFile(long)).toEqual({ secret: 'x'.repeat(43), isNew: false })
    await expect(createTokenSecretFile(`${long.slice(0, -1)}t`)).rejects.toThrow(
      /cannot be written: ENAMETOOLONG/,
    )
  })

  it('holds one secret for all that make it at once, and leaves no draft', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => createTokenSecretFile(path)))
    expect(new Set(all.map(({ secret }) => secret)).size).toBe(1)
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(await readdir(folder)).toHaveLength(1)
  })

  it.each([0o604, 0o640, 0o644, 0o602, 0o620])(
    'is refused with mode %i, which opens it to others [promise 19]',
    async (mode) => {
      const { secret } = await createTokenSecretFile(path)
      await chmod(path, mode)
      const error = await refusal()
      expect(error.code).toBe('secret-file-exposed')
      expect(error.message).toContain(
        `has mode 0${mode.toString(8)}, so others may know the secret; run: chmod 600 '`,
      )
      expect(error.message).toContain("it'\\''s secret'")
      expect(error.message).not.toContain(secret)
      await expect(createTokenSecretFile(path)).rejects.toMatchObject({ code: 'secret-file-exposed' })
    },
  )

  it.each([
    ['nothing', '', 'secret-file-damaged', 'does not hold one to 4 lines without'],
    ['an empty line', `${'x'.repeat(40)}\n\n`, 'secret-file-damaged', 'does not hold one to 4 lines'],
    ['five lines', `${'x'.repeat(40)}\n`.repeat(5), 'secret-file-damaged', 'does not hold one to 4 lines'],
    ['a short second line', `${'x'.repeat(40)}\n${'x'.repeat(31)}\n`, 'secret-too-short', 'has 31 bytes'],
    [
      'a sentence',
      'correct horse battery staple correct horse',
      'secret-file-damaged',
      'does not hold one to 4 lines',
    ],
    ['too little', `${'x'.repeat(31)}\n`, 'secret-too-short', 'has 31 bytes; expected at least 32'],
    ['far too much', 'x'.repeat(70_000), 'secret-file-unreadable', 'cannot be read: it has 70000 bytes'],
  ])('is refused with %s in it, and named [promise 37]', async (_, text, code, message) => {
    await writeFile(path, text, { mode: 0o600 })
    const error = await refusal()
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.message).toContain(path)
    expect(error.message).not.toContain('xxxx')
    expect(error.message).not.toContain('horse')
  })

  it('is missed, or not writable, with its name in the message [promise 37]', async () => {
    expect((await refusal()).message).toBe(`the token secret file ${path} does not exist`)
    path = join(folder, 'nowhere', 'secret')
    const error = await createTokenSecretFile(path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'secret-file-unreadable',
      message: `the token secret file ${path} cannot be written: ENOENT`,
    })
  })

  it('may hold several secrets: the first signs, and a token signed with any of them is taken', async () => {
    const [present, former] = ['n'.repeat(32), 'f'.repeat(32)]
    await writeFile(path, `${present}\r\n${former}\n`, { mode: 0o600 })
    expect(await readTokenSecretFile(path)).toBe(present)
    const secret = await readTokenSecretsFile(path)
    expect(secret).toEqual([present, former])
    const verifier = new TokenVerifier({ secret })
    for (const each of secret) {
      const token = await signToken({ sub: 'eva', permissions: [] }, each)
      expect(await verifier.verify(token)).toMatchObject({ sub: 'eva' })
    }
    const forged = await signToken({ sub: 'eva', permissions: [] }, 'x'.repeat(32))
    await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'token-signature' })
    await expect(new TokenVerifier({ secret: [] }).verify(forged)).rejects.toMatchObject({
      code: 'token-signature',
    })
  })

  it('is read with the line ending of any system', async () => {
    await writeFile(path, `${'x'.repeat(32)}\r\n`, { mode: 0o600 })
    expect(await readTokenSecretFile(path)).toBe('x'.repeat(32))
  })
})
