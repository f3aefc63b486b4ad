import {
  type Bearer,
  KeySet,
  LiveKeySet,
  Permissions,
  type Permissions as PermissionsOf,
  type Revocations,
  tokenAuthenticator,
  type VerificationKeys,
} from '@jamey/auth'
import {
  AuthenticationRefused,
  type AuthenticationRequest,
  type Authenticator,
  type Identity,
  insecureAuthenticator,
  type Log,
  type Refusal,
  type Revise,
} from '@jamey/broker'
import { ReasonCode } from '@jamey/protocol'
import { ManifestAccess, type Shown } from './manifest-access.js'
import { narrowedBy, unnarrowed } from './narrowed-identity.js'
import type { AuthenticationSettings, BrokerSettings, PermissionEntry, TokenTrust } from './settings.js'

/** Decides who comes in, and what those may do who are in already. */
export interface Access {
  readonly authenticator: Authenticator
  readonly revise: Revise
}

export interface AccessOptions {
  readonly log?: Pick<Log, 'warn'> | undefined
  /** Asked at every connection and renewal, and by `revise`. */
  readonly revocations?: Pick<Revocations, 'objectionTo'> | undefined
}

/** The facts by which an identity can be denied, as it came. */
const BEARERS = new WeakMap<Identity, Bearer>()

/** The way in which the client of an identity proved who it is, as it came. */
const SHOWN = new WeakMap<Identity, Shown>()

/**
 * Who a client is decides the method. What it may do is what its token says (anything, where it has none), and, where
 * there is a list of permissions or a manifest, only what the entries that name it allow, too. Whom none names is
 * refused, and so is whom `refused` names.
 */
export function accessOf(
  {
    authentication,
    refused = [],
    permissions,
    manifest,
  }: Pick<BrokerSettings, 'authentication' | 'permissions'> &
    Partial<Pick<BrokerSettings, 'refused' | 'manifest'>>,
  { log, revocations }: AccessOptions = {},
): Access {
  const listed = manifest && new ManifestAccess(manifest)
  const base = authenticatorOf(authentication, log, listed)
  const table = permissions && new PermissionTable(permissions)
  const isRefused = matcherOf(refused)
  const narrow = (identity: Identity, clientId: string): Identity | Refusal => {
    if (isRefused(clientId)) {
      return { refuse: ReasonCode.notAuthorized, reason: 'the broker refuses this client by its name' }
    }
    const whole = unnarrowed(identity)
    const objection = revocations?.objectionTo(BEARERS.get(whole) ?? { sub: clientId })
    if (objection !== undefined) return { refuse: ReasonCode.administrativeAction, reason: objection }
    if (listed !== undefined) return listed.narrow(whole, clientId, SHOWN.get(whole))
    return table === undefined ? whole : table.narrow(whole, clientId)
  }
  return {
    authenticator: {
      async authenticate(request) {
        // None of these asks a client anything more.
        const identity = (await base.authenticate(request)) as Identity
        BEARERS.set(identity, bearerOf(identity, request))
        if (authentication.method !== 'none') SHOWN.set(identity, shownBy(identity, request))
        const outcome = narrow(identity, request.clientId)
        if (!('refuse' in outcome)) return outcome
        throw new AuthenticationRefused(outcome.reason ?? '', codeOf(outcome, request))
      },
    },
    revise: narrow,
  }
}

function bearerOf({ tokenId }: Identity & { tokenId?: string }, request: AuthenticationRequest): Bearer {
  return { sub: request.clientId, jti: tokenId, certificate: request.certificate?.raw }
}

/** A token ends; nothing else that is shown does. */
function shownBy({ expiresAtMs }: Identity, { certificate }: AuthenticationRequest): Shown {
  return { hasToken: expiresAtMs !== undefined, hasCertificate: certificate !== undefined }
}

/** CONNACK has a word of its own for whom the administrator has shut out; a renewal is answered by DISCONNECT. */
function codeOf({ refuse }: Refusal, { isRenewal }: AuthenticationRequest): number {
  if (refuse !== ReasonCode.administrativeAction) return refuse
  return isRenewal === true ? ReasonCode.notAuthorized : ReasonCode.banned
}

/** Key sets by where they are published: they outlive a reload, for the issuer may be away just then. */
const PUBLISHED = new Map<string, LiveKeySet>()

function verifierOf(
  { secrets, keys, audience, issuers, certificateRequiredFor }: TokenTrust,
  log: AccessOptions['log'],
) {
  return {
    ...(secrets.length === 0 ? {} : { secret: secrets }),
    keys: keys === undefined || keys instanceof KeySet ? keys : publishedAt(keys, log),
    audience,
    issuers,
    requireCertificate: certificateRequiredFor && matcherOf(certificateRequiredFor),
  }
}

function publishedAt(
  { url, ca }: { url: string; ca: string | undefined },
  log: AccessOptions['log'],
): VerificationKeys {
  const name = JSON.stringify([url, ca])
  const onError = (err: Error): void =>
    log?.warn({ event: 'broker.keys.unavailable', err }, 'the keys that verify tokens cannot be looked at')
  const keys = PUBLISHED.get(name) ?? new LiveKeySet({ url, ca, onError })
  PUBLISHED.set(name, keys)
  return keys
}

function authenticatorOf(
  settings: AuthenticationSettings,
  log: AccessOptions['log'],
  listed: ManifestAccess | undefined,
): Authenticator {
  switch (settings.method) {
    case 'token': {
      const byToken = tokenAuthenticator(verifierOf(settings, log))
      return {
        authenticate: async (request) =>
          listed?.isKnownByCertificate(request)
            ? identityOfCertificate(request)
            : byToken.authenticate(request),
      }
    }
    case 'certificate':
      return { authenticate: async (request) => identityOfCertificate(request) }
    case 'none':
      return insecureAuthenticator()
  }
}

/** Client identifier, user name and the certificate's common name must be the same, as with tokens. */
function identityOfCertificate(request: AuthenticationRequest): Identity {
  const { clientId, username, certificate, authenticationMethod } = request
  const refuse = (reasonCode: number, message: string): never => {
    throw new AuthenticationRefused(message, reasonCode)
  }
  if (authenticationMethod !== undefined) {
    refuse(ReasonCode.badAuthenticationMethod, 'clients are known by their certificates alone')
  }
  if (certificate === undefined) {
    refuse(ReasonCode.notAuthorized, 'a client certificate is required and none was presented')
  }
  const name = certificate?.commonName ?? ''
  if (name !== clientId || (username !== undefined && username !== clientId)) {
    refuse(
      ReasonCode.notAuthorized,
      `the client certificate is of ${JSON.stringify(name)}; client identifier and user name must be the same`,
    )
  }
  return {
    username: name,
    actsFor: ['+'],
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => true,
  }
}

class PermissionTable {
  readonly #entries: readonly { readonly names: RegExp; readonly allow: readonly string[] }[]

  constructor(entries: readonly PermissionEntry[]) {
    this.#entries = entries.map(({ clients, allow }) => ({ names: patternOf(clients), allow }))
  }

  narrow(identity: Identity, clientId: string): Identity | Refusal {
    const entries = this.#entries.filter(({ names }) => names.test(clientId))
    if (entries.length === 0) {
      const reason = "the broker's permissions do not name this client"
      return { refuse: ReasonCode.notAuthorized, reason }
    }
    let allowed: PermissionsOf
    try {
      const all = entries.flatMap(({ allow }) => allow)
      allowed = new Permissions([...new Set(all)], { clientId })
    } catch (error) {
      return { refuse: ReasonCode.clientIdentifierNotValid, reason: (error as Error).message }
    }
    return narrowedBy(identity, allowed)
  }
}

function matcherOf(names: readonly string[]): (clientId: string) => boolean {
  const pattern = patternOf(names)
  return (clientId) => names.length > 0 && pattern.test(clientId)
}

function patternOf(clients: readonly string[]): RegExp {
  const literal = (text: string): string => text.replace(/[.+?^${}()|[\]\\/-]/g, '\\$&')
  const alternatives = clients.map((name) => name.split('*').map(literal).join('.*'))
  return new RegExp(`^(?:${alternatives.join('|')})$`, 's')
}
