import { randomBytes } from 'node:crypto'
import { codeOf, readSmallFile, writeWhole } from '../files/private-file.js'
import { SecretError } from '../support/errors.js'
import { shellWord } from '../support/shell-word.js'
import { assertSecret } from './secret.js'

export type TokenSecrets = readonly [string, ...string[]]

/** Number of secrets: one in force and the one before; a hurried operator may need to replace the former, too. */
const MAXIMUM_SECRETS = 4

/** The token secret in the file at `path` that signs: the first of `readTokenSecretsFile`. */
export async function readTokenSecretFile(path: string): Promise<string> {
  return (await readTokenSecretsFile(path))[0]
}

/**
 * The token secrets in the file at `path`, one a line, each as it would stand in `MQTT_JWT_SECRET`. The first signs; a
 * token that was signed with any of them is taken. Throws `SecretError` that names the file: where it is missing, holds
 * no secret or more than 4, or could be read by others.
 */
export async function readTokenSecretsFile(path: string): Promise<TokenSecrets> {
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
        `the token secret file ${path} cannot be read: ${finding.fault}`,
      )
    case 'read':
      return secretsOf(finding.text, path)
  }
}

/**
 * Reads the secret at `path`, or writes 256 random bits (mode 0600, whole or not at all) where there is no file.
 * Of several processes that do so at once, all get the secret of the first.
 */
export async function createTokenSecretFile(path: string): Promise<{ secret: string; isNew: boolean }> {
  // A secret that is there needs no room on the disk.
  if ((await readSmallFile(path, { isSecret: true })).status !== 'missing') {
    return { secret: await readTokenSecretFile(path), isNew: false }
  }
  const secret = randomBytes(32).toString('base64url')
  let isNew: boolean
  try {
    isNew = await writeWhole(path, `${secret}\n`, { mode: 0o600, isNew: true })
  } catch (error) {
    throw new SecretError(
      'secret-file-unreadable',
      `the token secret file ${path} cannot be written: ${codeOf(error)}`,
    )
  }
  return { secret: isNew ? secret : await readTokenSecretFile(path), isNew }
}

/** The lines of such a file; undefined where it is none. Their length is not looked at. */
export function tokenSecretsIn(text: string): TokenSecrets | undefined {
  const [first, ...others] = text.replace(/\r?\n$/, '').split(/\r?\n/)
  if (first === undefined || others.length >= MAXIMUM_SECRETS) return undefined
  const secrets: TokenSecrets = [first, ...others]
  return secrets.some((secret) => secret === '' || /\s/.test(secret)) ? undefined : secrets
}

function secretsOf(text: string, path: string): TokenSecrets {
  const secrets = tokenSecretsIn(text)
  if (secrets === undefined) {
    throw new SecretError(
      'secret-file-damaged',
      `the token secret file ${path} does not hold one to ${MAXIMUM_SECRETS} lines without white space; restore it, or remove it to have a new one made`,
    )
  }
  try {
    for (const secret of secrets) assertSecret(secret)
  } catch (error) {
    if (!(error instanceof SecretError)) throw error
    throw new SecretError(error.code, `${error.message} (in ${path})`)
  }
  return secrets
}
