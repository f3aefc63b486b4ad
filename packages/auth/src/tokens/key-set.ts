import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readSmallFile } from '../files/private-file.js'
import { quote } from '../support/client-identifier.js'
import { KeySetError } from '../support/errors.js'
import type { TokenHeader, TokenParts } from './token-form.js'

/** More keys than any issuer has in force at once. */
const MAXIMUM_KEYS = 64
/** A token that names no key is tried with the newest ones alone, so that its check stays cheap. */
const MAXIMUM_TRIED = 4
/** Shorter ones can be broken. RFC 7518 section 3.3 */
const MINIMUM_RSA_BITS = 2048

interface Algorithm {
  readonly kty: string
  readonly crv?: string
  /** The digest as `verify` of node:crypto takes it; null: the key knows. */
  readonly digest: 'sha256' | null
}

/**
 * The algorithms that are accepted. Each takes one kind of key alone, so none can be made to stand for another. RFC
 * 8725 section 3.1
 */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519', digest: null },
  RS256: { kty: 'RSA', digest: 'sha256' },
  ES256: { kty: 'EC', crv: 'P-256', digest: 'sha256' },
}

export const PUBLIC_KEY_ALGORITHMS: readonly string[] = Object.keys(ALGORITHMS)

/** Public keys of whoever issues tokens; some look for them where they are published. */
export interface VerificationKeys {
  /**
   * Those that may have signed a token with this header. Throws `TokenError` 'token-keys-unavailable' where they can
   * not be had at the moment.
   */
  keysFor(header: TokenHeader): Promise<readonly KeyObject[]>
}

interface Entry {
  readonly alg: string
  readonly kid: string | undefined
  readonly key: KeyObject
}

/** A JSON Web Key Set (RFC 7517 section 5): its keys that verify EdDSA (Ed25519), RS256 or ES256. */
export class KeySet implements VerificationKeys {
  readonly #entries: readonly Entry[]

  /** Throws `KeySetError` for what is no key set, has no key of use here, or has one that ought to be private. */
  constructor(text: string) {
    const keys = readKeys(text)
    this.#entries = keys.flatMap((jwk, i) => entryOf(jwk, `keys[${i}]`))
    if (this.#entries.length > 0) return
    const expected = `expected one for ${PUBLIC_KEY_ALGORITHMS.join(', ')}`
    throw new KeySetError('key-set-empty', `none of the ${keys.length} keys verifies tokens; ${expected}`)
  }

  get size(): number {
    return this.#entries.length
  }

  has({ alg, kid }: TokenHeader): boolean {
    return this.#entries.some((entry) => fits(entry, alg, kid))
  }

  async keysFor({ alg, kid }: TokenHeader): Promise<readonly KeyObject[]> {
    return this.#entries
      .filter((entry) => fits(entry, alg, kid))
      .slice(0, MAXIMUM_TRIED)
      .map(({ key }) => key)
  }
}

/** The key set in the file at `path`. Throws `KeySetError` that names the file. */
export async function readKeySetFile(path: string): Promise<KeySet> {
  const finding = await readSmallFile(path, { isSecret: false })
  if (finding.status !== 'read') {
    const fault = finding.status === 'unreadable' ? `cannot be read: ${finding.fault}` : 'does not exist'
    throw new KeySetError('key-set-unreadable', `the key set file ${path} ${fault}`)
  }
  try {
    return new KeySet(finding.text)
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error
    throw new KeySetError(error.code, `${error.message} (in ${path})`)
  }
}

/** Finds out, off the event loop, whether one of `keys` signed the token. */
export async function isSignedBy(
  keys: readonly KeyObject[],
  { header, content, signature }: TokenParts,
): Promise<boolean> {
  const algorithm = ALGORITHMS[header.alg]
  if (algorithm === undefined) return false
  const [data, bytes] = [Buffer.from(content, 'latin1'), Buffer.from(signature, 'base64url')]
  for (const key of keys) {
    // Signatures of JWS are the two numbers side by side. RFC 7518 section 3.4
    const isValid = await new Promise<boolean>((resolve) => {
      verify(algorithm.digest, data, { key, dsaEncoding: 'ieee-p1363' }, bytes, (error, result) =>
        resolve(error === null && result),
      )
    })
    if (isValid) return true
  }
  return false
}

function fits(entry: Entry, alg: string, kid: string | undefined): boolean {
  return entry.alg === alg && (kid === undefined || entry.kid === undefined || entry.kid === kid)
}

function readKeys(text: string): readonly Record<string, unknown>[] {
  let keys: unknown
  try {
    keys = (JSON.parse(text) as { keys?: unknown } | null)?.keys
  } catch {
    // Falls through, without what a parser would quote.
  }
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'object' && key !== null)) {
    throw new KeySetError('key-set-damaged', 'the text is no key set; expected JSON: {"keys": [...]}')
  }
  if (keys.length <= MAXIMUM_KEYS) return keys as Record<string, unknown>[]
  throw new KeySetError(
    'key-set-damaged',
    `the key set has ${keys.length} keys; expected at most ${MAXIMUM_KEYS}`,
  )
}

/** Empty for a key that is meant for something else, which is to be ignored. RFC 7517 section 5 */
function entryOf(jwk: Record<string, unknown>, where: string): Entry[] {
  const { kty, crv, kid, use, key_ops: operations, alg: named } = jwk
  if (jwk['d'] !== undefined || kty === 'oct') {
    const name = typeof kid === 'string' ? `${where} (${quote(kid)})` : where
    throw new KeySetError(
      'key-set-private',
      `${name} is a secret key; expected public ones alone, and this one is known now`,
    )
  }
  const alg = PUBLIC_KEY_ALGORITHMS.find(
    (name) => ALGORITHMS[name]?.kty === kty && ALGORITHMS[name]?.crv === (kty === 'RSA' ? undefined : crv),
  )
  const isForSignatures =
    (use ?? 'sig') === 'sig' && (!Array.isArray(operations) || operations.includes('verify'))
  if (alg === undefined || (named ?? alg) !== alg || !isForSignatures) return []
  try {
    const key = createPublicKey({ key: jwk as never, format: 'jwk' })
    if (kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MINIMUM_RSA_BITS) return []
    return [{ alg, kid: typeof kid === 'string' ? kid : undefined, key }]
  } catch {
    return []
  }
}
