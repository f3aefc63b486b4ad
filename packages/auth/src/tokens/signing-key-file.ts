import { generateKeyPairSync } from 'node:crypto'
import { codeOf, writeWhole } from '../files/private-file.js'
import { SecretError } from '../support/errors.js'

/**
 * Makes a file with a new Ed25519 private key (PKCS #8 in PEM, mode 0600) unless one is there, which is left as it is.
 * Resolves with whether it was made; throws `SecretError` where it cannot be written.
 */
export async function createSigningKeyFile(path: string): Promise<{ isNew: boolean }> {
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
  try {
    return { isNew: await writeWhole(path, key.toString(), { mode: 0o600, isNew: true }) }
  } catch (error) {
    throw new SecretError(
      'secret-file-unreadable',
      `the key file ${path} cannot be written: ${codeOf(error)}`,
    )
  }
}
