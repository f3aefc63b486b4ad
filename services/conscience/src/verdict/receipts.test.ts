import { generateKeyPairSync } from 'node:crypto'
import type { CallVerdict, TextVerdict } from '@jamey/contracts'
import { compactVerify, createLocalJWKSet, decodeJwt, type JWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { RECEIPT_SECONDS, RECEIPT_TYPE, ReceiptSigner } from './receipts.js'

const common = {
  evaluation_id: 'd59a37f2-072e-45a6-ade7-a4df045049ed',
  approved: true,
  decision: 'allow',
  requested_by: 'agent-7',
  request_digest: `sha256:${'a'.repeat(64)}`,
  correlation_id: '8d3cfd1d-54a1-4d7f-9c0c-5e0e7a3f6a55',
  policy_version: '1-575986df',
} as const
const verdict = { ...common, kind: 'text', rules_version: '1-575986df' } as TextVerdict
const callVerdict = { ...common, kind: 'call', call_digest: `sha256:${'b'.repeat(64)}` } as CallVerdict
const NOW_MS = 1_764_432_000_500

function pem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

describe('a receipt', () => {
  it('is verified with the public key and jose alone, and says what was judged', async () => {
    const signer = await ReceiptSigner.create('jamey-conscience', pem())
    const receipt = await signer.sign(verdict, NOW_MS)
    const options = { algorithms: ['EdDSA'], typ: RECEIPT_TYPE, issuer: 'jamey-conscience' }
    const keys = createLocalJWKSet({ keys: [signer.jwk] })
    const { payload } = await jwtVerify(receipt, keys, { ...options, currentDate: new Date(NOW_MS) })
    expect(payload).toEqual({
      iss: 'jamey-conscience',
      sub: 'agent-7',
      jti: verdict.evaluation_id,
      iat: 1_764_432_000,
      exp: 1_764_432_000 + RECEIPT_SECONDS,
      approved: true,
      decision: 'allow',
      request_digest: verdict.request_digest,
      correlation_id: verdict.correlation_id,
      policy_version: verdict.policy_version,
      rules_version: verdict.rules_version,
    })
    const later = { ...options, currentDate: new Date(NOW_MS + RECEIPT_SECONDS * 1000 + 1000) }
    await expect(jwtVerify(receipt, keys, later)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
  })

  it('of a call names it, and the one that may be made in its place', async () => {
    const signer = await ReceiptSigner.create('jamey-conscience', pem())
    const { call_digest, policy_version } = callVerdict
    const changed_call_digest = `sha256:${'c'.repeat(64)}`
    const claims = decodeJwt(await signer.sign(callVerdict, NOW_MS))
    expect(claims).toMatchObject({ decision: 'allow', call_digest, policy_version })
    expect(claims).not.toHaveProperty('changed_call_digest')
    const changed = await signer.sign({ ...callVerdict, changed_call_digest }, NOW_MS)
    expect(decodeJwt(changed)).toMatchObject({ call_digest, changed_call_digest })
  })

  it('is refused when a byte of it is another, or when another key made it', async () => {
    const [signer, other] = [
      await ReceiptSigner.create('a', pem()),
      await ReceiptSigner.create('a', undefined),
    ]
    const [head, body, signature] = (await signer.sign({ ...verdict, approved: false }, NOW_MS)).split(
      '.',
    ) as [string, string, string]
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...claims, approved: true })).toString('base64url')
    const keys = createLocalJWKSet({ keys: [signer.jwk] })
    await expect(compactVerify(`${head}.${forged}.${signature}`, keys)).rejects.toThrow()
    await expect(compactVerify(await other.sign(verdict, NOW_MS), keys)).rejects.toThrow()
    await expect(compactVerify(`${head}.${body}.${signature}`, keys)).resolves.toBeDefined()
  })

  it('shows the public part of its key alone, under the same identifier each time', async () => {
    const key = pem()
    const [first, second] = [await ReceiptSigner.create('a', key), await ReceiptSigner.create('a', key)]
    expect(Object.keys(first.jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    expect(second.jwk).toEqual(first.jwk satisfies JWK)
  })

  it('is made with Ed25519 and nothing else', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const text = rsa.export({ type: 'pkcs8', format: 'pem' }).toString()
    await expect(ReceiptSigner.create('a', text)).rejects.toThrow('of type rsa; expected ed25519')
  })
})
