import type { AuthenticationRequest, Identity, Refusal } from '@jamey/broker'
import { clientOf, type Manifest, type ManifestClient, type Proof, permissionsOf } from '@jamey/manifest'
import { ReasonCode } from '@jamey/protocol'
import { narrowedBy } from './narrowed-identity.js'

/** The way in which a client showed who it is; the broker cannot tell who had a token signed. */
export interface Shown {
  readonly hasToken: boolean
  readonly hasCertificate: boolean
}

/** The part of a manifest that is about clients which come in. */
export class ManifestAccess {
  readonly #manifest: Manifest

  constructor(manifest: Manifest) {
    this.#manifest = manifest
  }

  /** True where the certificate that was shown is enough, so that no token is asked for. */
  isKnownByCertificate(request: AuthenticationRequest): boolean {
    const isEnough = clientOf(this.#manifest, request.clientId)?.proofs.includes('certificate') === true
    const { certificate, password, authenticationMethod } = request
    return (
      isEnough && certificate !== undefined && password === undefined && authenticationMethod === undefined
    )
  }

  /** The part of an identity that the manifest allows; `shown` is undefined where nobody is asked who it is. */
  narrow(identity: Identity, clientId: string, shown: Shown | undefined): Identity | Refusal {
    const client = clientOf(this.#manifest, clientId)
    const allowed = permissionsOf(this.#manifest, clientId)
    if (client === undefined || allowed === undefined) {
      return { refuse: ReasonCode.notAuthorized, reason: "the broker's manifest does not name this client" }
    }
    const fault = shown && proofFault(client, shown)
    if (fault !== undefined) return { refuse: ReasonCode.notAuthorized, reason: fault }
    return narrowedBy(identity, allowed, client.limits)
  }
}

function proofFault({ proofs }: ManifestClient, { hasToken, hasCertificate }: Shown): string | undefined {
  const isShown = (proof: Proof): boolean => (proof === 'certificate' ? hasCertificate : hasToken)
  if (proofs.some(isShown)) return undefined
  const expected = proofs.includes('certificate') ? 'a client certificate' : 'a token'
  return `the broker's manifest has this client prove who it is by ${expected}`
}
