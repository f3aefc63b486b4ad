import { randomUUID } from 'node:crypto'
import {
  type ClientEntry,
  type ClientRegistry,
  DEFAULT_LIFETIME_SECONDS,
  RegistryBusyError,
  type Secret,
  shownClientName,
  signToken,
  type TokenVerifierOptions,
} from '@jamey/auth'
import type { Logger } from 'pino'
import { AttemptLimit } from '../callers/attempt-limit.js'
import type { ShownCertificate } from '../callers/https.js'
import { Problem, retryAfter } from '../problems/problem.js'
import { clientUnknown, type TokenRequest } from './token-request.js'

const MINUTE_MS = 60_000
/** Wrong secrets in a minute: for one client from one address, and for all clients from it. */
const FAILURES_OF_CLIENT = 10
const FAILURES_OF_ADDRESS = 60
/** Tokens that one client gets in a minute, wherever it asks from. */
const TOKENS_OF_CLIENT = 60
/** More characters than any name has, and few enough for a line of the log. */
const SHOWN_CHARACTERS = 128

/** Clients that may have tokens, such as `ClientRegistry`. */
export type TokenClients = Pick<ClientRegistry, 'authenticate' | 'certified'>

export interface TokenIssuerOptions {
  readonly clients: TokenClients
  /** Secret that signs the tokens. */
  readonly secret: Secret
  readonly audience?: string | readonly string[] | undefined
  readonly issuer?: string | undefined
  readonly denied?: TokenVerifierOptions['denied'] | undefined
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
  /** Milliseconds by a clock that nobody sets, for the limits. */
  readonly monotonicNow?: (() => number) | undefined
}

/** [RFC 6749, section 5.1] */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope: string
}

/** Issues tokens to clients for their secrets or certificates, so that no client holds what tokens are signed with. */
export class TokenIssuer {
  readonly #options: TokenIssuerOptions
  readonly #failures: AttemptLimit
  readonly #failuresOfAddress: AttemptLimit
  readonly #tokens: AttemptLimit

  constructor(options: TokenIssuerOptions) {
    this.#options = options
    this.#failures = new AttemptLimit(FAILURES_OF_CLIENT, MINUTE_MS, options.monotonicNow)
    this.#failuresOfAddress = new AttemptLimit(FAILURES_OF_ADDRESS, MINUTE_MS, options.monotonicNow)
    this.#tokens = new AttemptLimit(TOKENS_OF_CLIENT, MINUTE_MS, options.monotonicNow)
  }

  /** Throws a `Problem`. Each outcome is a line of the log, without secrets and tokens. */
  async issue(request: TokenRequest, address: string, certificate?: ShownCertificate): Promise<TokenAnswer> {
    const by = request.secret === undefined ? 'certificate' : 'secret'
    try {
      const { answer, jti } = await this.#issue(request, address, certificate)
      const facts = {
        client_id: shownClientName(request.clientId),
        address,
        by,
        outcome: 'issued',
        jti,
        expires_in: answer.expires_in,
      }
      this.#options.log.info({ event: 'gateway.token.issued', ...facts }, 'token issued')
      return answer
    } catch (error) {
      const reason = error instanceof Problem ? (error.error ?? error.kind) : 'internal'
      const clientId = shownClientName(request.clientId.slice(0, SHOWN_CHARACTERS))
      const detail = error instanceof Problem ? error.message : undefined
      const facts = { client_id: clientId, address, by, outcome: 'refused', reason, detail }
      this.#options.log.warn({ event: 'gateway.token.refused', ...facts }, 'token refused')
      throw error
    }
  }

  async #issue(
    { clientId, secret, scope }: TokenRequest,
    address: string,
    certificate: ShownCertificate | undefined,
  ) {
    const { denied, audience: aud, issuer: iss, now = Date.now } = this.#options
    const client = await this.#counted(clientId, address, async () => {
      if (certificate !== undefined) assertCertificate(certificate, clientId, now())
      return secret === undefined
        ? this.#options.clients.certified(clientId)
        : this.#authenticate(clientId, secret)
    })
    // A client that has the secret of another may not use up what that one gets, so this is counted behind it.
    refuseBeyond(
      this.#tokens.take(clientId),
      'This client asks for too many tokens; one is good until it ends.',
    )
    if (denied?.objectionTo({ sub: clientId, certificate: certificate?.raw }) !== undefined)
      throw clientUnknown()
    const permissions = permissionsOf(client, scope)
    const { lifetimeSeconds = DEFAULT_LIFETIME_SECONDS } = client
    const jti = randomUUID()
    const content = { sub: clientId, permissions, lifetimeSeconds, jti, aud, iss, now }
    const token = await signToken(content, this.#options.secret)
    const answer: TokenAnswer = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      scope: permissions.join(' '),
    }
    return { answer, jti }
  }

  /** Counts before anything is checked, or many at once would not be counted. A client that is right does not count. */
  async #counted(
    clientId: string,
    address: string,
    find: () => Promise<ClientEntry | undefined>,
  ): Promise<ClientEntry> {
    const name = `${address} ${clientId}`
    const tooMany = 'There were too many wrong secrets or certificates.'
    refuseBeyond(this.#failuresOfAddress.take(address), tooMany)
    refuseBeyond(this.#failures.take(name), tooMany)
    const client = await find()
    if (client === undefined) throw clientUnknown()
    this.#failuresOfAddress.giveBack(address)
    this.#failures.giveBack(name)
    return client
  }

  async #authenticate(clientId: string, secret: string): Promise<ClientEntry | undefined> {
    try {
      return await this.#options.clients.authenticate(clientId, secret)
    } catch (error) {
      if (!(error instanceof RegistryBusyError)) throw error
      throw new Problem('unavailable', 'Too many ask for tokens at the moment.', {
        headers: retryAfter(1_000),
      })
    }
  }
}

/** Throws as the broker does: a client that shows a certificate is the one that it names, and nobody else. */
function assertCertificate(
  { commonName, endsAtMs, ...shown }: ShownCertificate,
  clientId: string,
  nowMs: number,
): void {
  const fault = shown.fault ?? (endsAtMs > nowMs ? undefined : 'CERT_HAS_EXPIRED')
  if (fault !== undefined) throw clientUnknown(`The client certificate is not accepted: ${fault}.`)
  if (commonName === clientId) return
  throw clientUnknown(
    `The client certificate is of "${shownClientName(commonName.slice(0, SHOWN_CHARACTERS))}", and not of the client that is named.`,
  )
}

function refuseBeyond(waitMs: number | undefined, detail: string): void {
  if (waitMs !== undefined) throw new Problem('rate-limited', detail, { headers: retryAfter(waitMs) })
}

/** All permissions, or those that were asked for, which the client has to have. [RFC 6749, section 3.3] */
function permissionsOf(
  { permissions }: ClientEntry,
  scope: readonly string[] | undefined,
): readonly string[] {
  const missing = scope?.find((entry) => !permissions.includes(entry))
  if (missing === undefined) return scope ?? permissions
  throw new Problem('invalid-input', 'The scope has a permission that the client has not.', {
    field: 'scope',
    error: 'invalid_scope',
  })
}
