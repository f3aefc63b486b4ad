import {
  isClientIdentifier,
  Permissions,
  type Revocations,
  TokenError,
  type TokenErrorCode,
  type TokenVerifier,
} from '@jamey/auth'
import type { Ceiling } from './ceiling.js'
import type { FailureLimit } from './failure-limit.js'
import { reachesForeignInboxes } from './foreign-inboxes.js'
import type { BrokerName, Grant } from './grant.js'
import type { GrantSeal } from './grant-seal.js'
import type { GrantTable, TableEntry } from './grant-table.js'
import {
  type Asker,
  type ConnectQuestion,
  type Decision,
  type PresenceQuestion,
  type PublishQuestion,
  type Question,
  type Refused,
  refused,
  type SubscribeQuestion,
} from './question.js'

/** The ground of all decisions; all of it can be replaced while connections are up. */
export interface Trust {
  /** Without a verifier no token is accepted. */
  readonly verifier: TokenVerifier | undefined
  readonly denied?: Pick<Revocations, 'objectionTo'> | undefined
  /** Undefined: tokens alone say what a client may do, and certificates prove nothing. */
  readonly ceiling: Ceiling | undefined
  /** The brokers whose word about the name in a client certificate is a proof. */
  readonly certificatesOf: ReadonlySet<BrokerName>
}

export interface DeciderOptions {
  readonly trust: Trust
  readonly seal: GrantSeal
  readonly table: GrantTable
  readonly failures: FailureLimit
  /** Keeps grants beyond the process; resolves once they are kept. */
  readonly keep?: ((entry: TableEntry) => Promise<void>) | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

type AccessQuestion = PublishQuestion | SubscribeQuestion | PresenceQuestion

/** The one place where it is decided what a client of another broker may do. Whatever goes wrong is a refusal. */
export class Decider {
  readonly #options: DeciderOptions
  readonly #now: () => number
  #trust: Trust
  #seal: GrantSeal

  constructor(options: DeciderOptions) {
    this.#options = options
    this.#trust = options.trust
    this.#seal = options.seal
    this.#now = options.now ?? Date.now
  }

  /** Decisions rest on these from now on; a grant that the seal does not open is unknown. */
  use(trust: Trust, seal: GrantSeal): void {
    this.#trust = trust
    this.#seal = seal
  }

  /** Rejects for faults of this program alone, which whoever asks has to take for a refusal. */
  async decide(question: Question): Promise<Decision> {
    const { clientId, username } = question
    if (clientId === undefined || !isClientIdentifier(clientId)) {
      return refused('client-id', 'the client identifier is missing or cannot be one')
    }
    if (username !== undefined && username !== clientId) {
      return refused('user-name', 'the user name is not the client identifier')
    }
    return question.kind === 'connect' ? this.#connect(question, clientId) : this.#access(question, clientId)
  }

  /** A grant as the broker is to carry it. */
  sealed(grant: Grant): string {
    return this.#seal.seal(grant)
  }

  async #connect(question: ConnectQuestion, clientId: string): Promise<Decision> {
    const { failures } = this.#options
    const { address } = question
    if (failures.isReached(clientId, address)) {
      return refused('too-many-failures', 'it failed too often within a minute')
    }
    const decision = await this.#proof(question, clientId)
    if (decision.isAllowed) await this.#remember(decision.grant)
    // An issuer that is away is no fault of the client's.
    else if (decision.reason !== 'keys-unavailable') failures.count(clientId, address)
    return decision
  }

  async #proof(question: ConnectQuestion, clientId: string): Promise<Decision> {
    const { ceiling, certificatesOf, denied } = this.#trust
    const { broker, token, certificateName, isByMethod } = question
    if (ceiling !== undefined && ceiling.permissionsOf(clientId) === undefined) return notInManifest()
    if (certificateName !== undefined && certificateName !== clientId) {
      return refused('certificate-name', 'the client certificate is of another name')
    }
    const isCertified =
      certificateName !== undefined &&
      certificatesOf.has(broker) &&
      ceiling?.takesCertificatesOf(clientId) === true
    if (token !== undefined) {
      if (question.username === undefined && !isByMethod) {
        return refused('user-name', 'the user name is missing')
      }
      if (ceiling !== undefined && !isCertified && !ceiling.takesTokensOf(clientId)) {
        return refused('proof', 'a token is no proof of this client by the manifest')
      }
      return this.#grantOfToken(question, clientId, token)
    }
    if (!isCertified) return refused('token-missing', 'no token was sent')
    const objection = denied?.objectionTo({ sub: clientId })
    if (objection !== undefined) return refused('denied', objection)
    return allowed(grantOf(question, clientId))
  }

  async #grantOfToken(question: Asker, clientId: string, token: string): Promise<Decision> {
    const { verifier } = this.#trust
    if (verifier === undefined) return refused('token-invalid', 'there is no key to verify tokens with')
    try {
      const { permissions, exp, jti } = await verifier.verify(token, { expectedSubject: clientId })
      const expiresAtMs = Math.floor(exp * 1000) + verifier.clockToleranceSeconds * 1000
      return allowed({ ...grantOf(question, clientId), permissions, expiresAtMs, tokenId: jti })
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      return refused(REASON_OF[error.code] ?? 'token-invalid', error.message)
    }
  }

  /** A connection that the disk does not take is one for as long as this process lives. */
  async #remember(grant: Grant): Promise<void> {
    const entry = { grant, sealed: this.#seal.seal(grant) }
    this.#options.table.put(entry)
    await this.#options.keep?.(entry)
  }

  #access(question: AccessQuestion, clientId: string): Decision {
    const grant = this.#grantFor(question, clientId)
    if (grant === undefined) {
      return refused(
        'unknown-connection',
        'nothing is known of this connection; the client has to connect again',
      )
    }
    const objection = this.#objectionTo(grant)
    if (objection !== undefined) return objection
    const { ceiling } = this.#trust
    const listed = ceiling?.permissionsOf(clientId)
    const own = grant.permissions === undefined ? undefined : new Permissions(grant.permissions, { clientId })
    const lists = [own, listed].filter((list) => list !== undefined)
    return objectionOfLists(question, lists, clientId) ?? allowed(grant)
  }

  #grantFor({ broker, scope, sealedGrant }: AccessQuestion, clientId: string): Grant | undefined {
    if (sealedGrant === undefined) return this.#options.table.find({ broker, scope, clientId })
    const grant = this.#seal.open(sealedGrant)
    const isOfAsker = grant?.broker === broker && grant.scope === scope && grant.clientId === clientId
    return isOfAsker ? grant : undefined
  }

  /** The reason why a client that is connected may not go on; undefined where nothing has changed. */
  #objectionTo({ broker, clientId, permissions, expiresAtMs, tokenId }: Grant): Refused | undefined {
    const { ceiling, denied, certificatesOf } = this.#trust
    if (expiresAtMs !== undefined && expiresAtMs <= this.#now()) {
      return refused('token-expired', 'the token of this connection has expired; connect with a new one')
    }
    const objection = denied?.objectionTo({ sub: clientId, jti: tokenId })
    if (objection !== undefined) return refused('denied', objection)
    if (ceiling !== undefined && ceiling.permissionsOf(clientId) === undefined) return notInManifest()
    if (permissions !== undefined) return undefined
    const isCertified = certificatesOf.has(broker) && ceiling?.takesCertificatesOf(clientId) === true
    return isCertified ? undefined : refused('proof', 'a certificate is no proof of this client any more')
  }
}

const REASON_OF: Partial<Record<TokenErrorCode, Refused['reason']>> = {
  'token-expired': 'token-expired',
  'token-subject': 'token-of-another',
  'token-denied': 'denied',
  'token-keys-unavailable': 'keys-unavailable',
}

function grantOf({ broker, scope }: Asker, clientId: string): Grant {
  return { broker, scope, clientId, permissions: undefined, expiresAtMs: undefined, tokenId: undefined }
}

function allowed(grant: Grant): Decision {
  return { isAllowed: true, reason: 'granted', grant }
}

function notInManifest(): Refused {
  return refused('not-in-manifest', 'the manifest does not name this client')
}

/** The reason why the lists forbid it: every list has to allow it, and where there is none, nothing is allowed. */
function objectionOfLists(
  question: AccessQuestion,
  lists: readonly Permissions[],
  clientId: string,
): Refused | undefined {
  if (question.kind === 'presence') return undefined
  const action = question.kind
  const wanted = question.kind === 'publish' ? [question.topic] : question.filters
  if (wanted.length === 0) return refused('topic', 'it asks for nothing')
  for (const topic of wanted) {
    const isAllowed = lists.length > 0 && lists.every((list) => list.decide(action, topic).isAllowed)
    if (!isAllowed) return refused('topic', `${action} ${shown(topic)} is not among its permissions`)
    if (action === 'subscribe' && reachesForeignInboxes(topic, clientId, lists)) {
      return refused('foreign-inbox', `${shown(topic)} also selects answers to other clients`)
    }
  }
  return undefined
}

function shown(topic: string): string {
  return JSON.stringify(topic.length > 120 ? `${topic.slice(0, 120)}...` : topic)
}
