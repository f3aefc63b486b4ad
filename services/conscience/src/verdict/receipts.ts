import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Verdict } from '@jamey/contracts'
import { CompactSign, calculateJwkThumbprint, exportJWK, type JWK } from 'jose'

/** RFC 8725 section 3.11: what it is for stands in the token, so that none passes for another kind. */
export const RECEIPT_TYPE = 'jamey-receipt+jwt'
const ALGORITHM = 'EdDSA'
/** Long enough to begin what was approved, and short enough that nobody keeps one for later. */
export const RECEIPT_SECONDS = 60

/** The claims of a receipt (RFC 7519): the verdict on one request, for whoever carries it out. */
export interface ReceiptClaims {
  /** The conscience that judged. */
  readonly iss: string
  /** The requester. */
  readonly sub: string
  /** The evaluation; a receipt is good for one use. */
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly approved: boolean
  readonly decision: Verdict['decision']
  readonly request_digest: string
  readonly correlation_id: string
  readonly policy_version: string
  /** Of the call that was asked about. */
  readonly call_digest?: string
  /** Of the call that may be made in its place. */
  readonly changed_call_digest?: string
  /** The approval that the verdict names: where it was allowed, a person allowed it. */
  readonly approval_id?: string
  /** Where words were judged; for one version more. */
  readonly rules_version?: string
}

/** Signs receipts with one Ed25519 key (RFC 8037), whose public part others verify them with. */
export class ReceiptSigner {
  /** The public key as a member of a JWK Set (RFC 7517), with its thumbprint (RFC 7638) as `kid`. */
  readonly jwk: JWK
  readonly #key: KeyObject
  readonly #issuer: string

  private constructor(key: KeyObject, jwk: JWK, issuer: string) {
    this.#key = key
    this.jwk = jwk
    this.#issuer = issuer
  }

  /** `pem`: PKCS #8; a key of its own, for as long as the process lives, where there is none. Throws `TypeError` for another kind of key. */
  static async create(issuer: string, pem: string | undefined): Promise<ReceiptSigner> {
    const key = pem === undefined ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') {
      throw new TypeError(`the key of receipts is of type ${key.asymmetricKeyType}; expected ed25519`)
    }
    const jwk = await exportJWK(createPublicKey(key))
    const kid = await calculateJwkThumbprint(jwk)
    return new ReceiptSigner(key, { ...jwk, kid, alg: ALGORITHM, use: 'sig' }, issuer)
  }

  /** A compact JWS (RFC 7515) of the verdict, good for a minute from `nowMs`, milliseconds since 1970. */
  sign(verdict: Verdict, nowMs: number): Promise<string> {
    const iat = Math.floor(nowMs / 1000)
    const claims: ReceiptClaims = {
      iss: this.#issuer,
      sub: verdict.requested_by,
      jti: verdict.evaluation_id,
      iat,
      exp: iat + RECEIPT_SECONDS,
      approved: verdict.approved,
      decision: verdict.decision,
      request_digest: verdict.request_digest,
      correlation_id: verdict.correlation_id,
      policy_version: verdict.policy_version,
      ...ownClaimsOf(verdict),
    }
    return new CompactSign(Buffer.from(JSON.stringify(claims), 'utf8'))
      .setProtectedHeader({ alg: ALGORITHM, typ: RECEIPT_TYPE, kid: this.jwk.kid ?? '' })
      .sign(this.#key)
  }
}

function ownClaimsOf(
  verdict: Verdict,
): Pick<ReceiptClaims, 'approval_id' | 'call_digest' | 'changed_call_digest' | 'rules_version'> {
  if (verdict.kind === 'text') return { rules_version: verdict.rules_version }
  const { call_digest, changed_call_digest, approval } = verdict
  return {
    call_digest,
    ...(changed_call_digest === undefined ? {} : { changed_call_digest }),
    ...(approval === undefined ? {} : { approval_id: approval.id }),
  }
}
