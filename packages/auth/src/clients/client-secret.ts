import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** 16 MiB and some 50 ms, in a thread of its own. RFC 7914 */
const COST = { N: 16_384, r: 8, p: 1 } as const
const HASH_BYTES = 32
/** A dearer one than ours could take the machine's memory. */
const MAXIMUM_N = 131_072
const FORM = /^scrypt\$(\d{1,6})\$(\d{1,2})\$(\d{1,2})\$([\w-]{22,86})\$([\w-]{43})$/

/** 256 random bits, as text that can stand in a URL, a file and a variable. */
export function createClientSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** The form in which a secret is kept: `scrypt$N$r$p$salt$hash`. */
export async function hashClientSecret(secret: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(secret, salt, HASH_BYTES, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

export function isClientSecretHash(text: string): boolean {
  const [, cost] = FORM.exec(text) ?? []
  return cost !== undefined && Number(cost) <= MAXIMUM_N
}

/** True where `hash` was made of `secret`. It takes as long whatever it finds, and never rejects. */
export async function isClientSecret(secret: string, hash: string): Promise<boolean> {
  const [, cost = '', r = '', p = '', salt = '', expected = ''] = FORM.exec(hash) ?? []
  try {
    const options = { N: Number(cost), r: Number(r), p: Number(p), maxmem: 256 * 1024 * 1024 }
    const found = await derive(secret, Buffer.from(salt, 'base64url'), HASH_BYTES, options)
    return timingSafeEqual(found, Buffer.from(expected, 'base64url'))
  } catch {
    return false
  }
}

/** A hash that no secret has, compared with where there is no client of a name, so that this takes as long. */
export const NOBODYS_HASH = `scrypt$${COST.N}$${COST.r}$${COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`
