import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { BROKERS, type Grant } from './grant.js'

const KEY_BYTES = 32
const PURPOSE = 'jamey authz grant 1'
/** More characters than any token of 16 KiB becomes. */
const MAXIMUM_CHARACTERS = 64 * 1024

/**
 * Writes grants as text that nobody without the secret can make or change, for whoever carries them: EMQX, and the
 * file of the grants. The first secret signs, and all are taken, so that one can be replaced.
 */
export class GrantSeal {
  readonly #keys: readonly Uint8Array[]

  constructor(secrets: readonly [string, ...string[]]) {
    this.#keys = secrets.map((secret) => new Uint8Array(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES)))
  }

  seal(grant: Grant): string {
    const { broker, scope, clientId, permissions, expiresAtMs, tokenId } = grant
    const content = JSON.stringify([broker, scope, clientId, permissions, expiresAtMs, tokenId])
    const text = Buffer.from(content).toString('base64url')
    return `${text}.${signature(text, this.#keys[0] ?? new Uint8Array())}`
  }

  /** The grant in `sealed`; undefined where that was not sealed here, or was changed. */
  open(sealed: string): Grant | undefined {
    if (sealed.length > MAXIMUM_CHARACTERS) return undefined
    const [text = '', given = '', ...more] = sealed.split('.')
    if (more.length > 0 || !this.#keys.some((key) => isEqual(given, signature(text, key)))) return undefined
    try {
      return grantIn(JSON.parse(Buffer.from(text, 'base64url').toString()))
    } catch {
      return undefined
    }
  }
}

function signature(text: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * The grant in a signed text, which was written here, but perhaps by an earlier version. JSON has null for what is
 * undefined.
 */
function grantIn(content: unknown): Grant | undefined {
  if (!Array.isArray(content)) return undefined
  const [name, scope, clientId, permissions, expiresAtMs, tokenId]: readonly unknown[] = content
  const broker = BROKERS.find((each) => each === name)
  if (broker === undefined || typeof scope !== 'string' || typeof clientId !== 'string') return undefined
  const list = permissions === null ? undefined : permissions
  if (list !== undefined && !isTexts(list)) return undefined
  if (expiresAtMs !== null && typeof expiresAtMs !== 'number') return undefined
  if (tokenId !== null && typeof tokenId !== 'string') return undefined
  return {
    broker,
    scope,
    clientId,
    permissions: list,
    expiresAtMs: expiresAtMs ?? undefined,
    tokenId: tokenId ?? undefined,
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
