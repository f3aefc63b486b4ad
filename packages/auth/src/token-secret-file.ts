import { randomBytes } from 'node:crypto'
import { SecretError } from './error.js'
import { codeOf, readSmallFile, writeWhole } from './private-file.js'
import { assertSecret } from './secret.js'

/**
 * The token secret in the file at `path`: one line, whose text is the secret, as it would stand in `MQTT_JWT_SECRET`.
 * Throws `SecretError` that names the file: where it is missing, holds no secret, or could be read by others.
 */
export async function readTokenSecretFile(path: string): Promise<string> {
  const finding = await readSmallFile(path, { isSecret: true })
  switch (finding.status) {
    case 'missing':
      throw new SecretError('secret-file-missing', `the token secret file ${path} does not exist`)
    case 'exposed':
      throw new SecretError(
        'secret-file-exposed',
        `the token secret file ${path} has mode ${finding.mode}, so others may know the secret; run: chmod 600 ${shellWord(path)}, and make a new secret if others had access`,
      )
    case 'unreadable':
      throw new SecretError(
        'secret-file-unreadable',
        `the token secret file ${path} can not be read: ${finding.fault}`,
      )
    case 'read':
      return secretOf(finding.text, path)
  }
}

/**
 * Reads the secret at `path`, or writes 256 random bits (mode 0600, whole or not at all) where there is no file.
 * Of several processes that do so at once, all get the secret of the first.
 */
export async function createTokenSecretFile(path: string): Promise<{ secret: string; isNew: boolean }> {
  const secret = randomBytes(32).toString('base64url')
  let isNew: boolean
  try {
    isNew = await writeWhole(path, `${secret}\n`, { mode: 0o600, isNew: true })
  } catch (error) {
    throw new SecretError(
      'secret-file-unreadable',
      `the token secret file ${path} can not be written: ${codeOf(error)}`,
    )
  }
  return { secret: isNew ? secret : await readTokenSecretFile(path), isNew }
}

function secretOf(text: string, path: string): string {
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '' || /\s/.test(secret)) {
    throw new SecretError(
      'secret-file-damaged',
      `the token secret file ${path} does not hold one line without white space; restore it, or remove it to have a new one made`,
    )
  }
  try {
    assertSecret(secret)
  } catch (error) {
    if (!(error instanceof SecretError)) throw error
    throw new SecretError(error.code, `${error.message} (in ${path})`)
  }
  return secret
}

/** `path` so that it can be pasted into a shell. */
export function shellWord(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
