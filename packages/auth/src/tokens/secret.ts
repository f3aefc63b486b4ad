import { createSecretKey, type KeyObject } from 'node:crypto'
import { SecretError } from '../support/errors.js'

/** The key of HS256 is as long as its hash, so that guessing it is not easier than forging. RFC 7518 section 3.2. */
export const MINIMUM_SECRET_BYTES = 32

/** The secret that signs tokens: bytes, or text that stands for its UTF-8 bytes (as `MQTT_JWT_SECRET` does). */
export type Secret = Uint8Array | string

/**
 * Throws `SecretError` 'secret-too-short' where `secret` has fewer than 32 bytes.
 * 32 bytes of chosen text are weaker than random ones: see `createTokenSecretFile`.
 */
export function assertSecret(secret: Secret): void {
  const { byteLength } = bytesOf(secret)
  if (byteLength >= MINIMUM_SECRET_BYTES) return
  throw new SecretError(
    'secret-too-short',
    `the token secret has ${byteLength} bytes; expected at least ${MINIMUM_SECRET_BYTES} random ones, as made by: openssl rand -base64 32`,
  )
}

/** A key object keeps the bytes out of `inspect()` output and spares `jose` an import per token. */
export function keyOf(secret: Secret): KeyObject {
  assertSecret(secret)
  return createSecretKey(bytesOf(secret))
}

/** Keys of one or several secrets, made as `keyOf` makes one. */
export function keysOf(secret: Secret | readonly Secret[]): readonly KeyObject[] {
  const isOne = typeof secret === 'string' || secret instanceof Uint8Array
  return (isOne ? [secret] : secret).map(keyOf)
}

function bytesOf(secret: Secret): Uint8Array {
  return typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
}
