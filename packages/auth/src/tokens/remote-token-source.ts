import { TokenRequestError } from '../support/errors.js'
import { ask, type ClientCertificate, type HttpsAnswer, urlFault } from '../support/https-request.js'
import type { IssuedToken } from './token-source.js'

/** Seconds before its end at which a token is replaced. */
const REFRESH_SECONDS = 30
/** Within the time that a connection has. */
const TIMEOUT_MS = 8_000
const MAXIMUM_BYTES = 65_536
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

export interface RemoteTokenSourceOptions {
  /** URL at which tokens are issued, such as `https://hub.example.org/v1/token`; `http:` of this machine alone. */
  readonly url: string
  /** The client identifier the tokens are for. */
  readonly subject: string
  /** One of `secret` and `certificate` is needed. */
  readonly secret?: string | undefined
  /** Shown in place of a secret; a function is asked at each request. Its common name is the client identifier. [RFC 8705, section 2] */
  readonly certificate?: ClientCertificate | (() => Promise<ClientCertificate>) | undefined
  /**
   * Authorities that may have signed the certificate of that server, PEM, or a function as of `certificate`; those that
   * Node knows by default.
   */
  readonly ca?: string | Uint8Array | (() => Promise<string | Uint8Array>) | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/**
 * Tokens for one client from whoever issues them for its secret or certificate (client credentials, RFC 6749 section
 * 4.4), always with time left: one is used until 30 seconds before its end, then replaced. Where that fails, it is used as long as it lives.
 */
export class RemoteTokenSource {
  readonly subject: string
  readonly #options: RemoteTokenSourceOptions
  readonly #url: URL
  readonly #now: () => number
  #lifetimeSeconds = 0
  #issuedAtMs = 0
  #refreshAtMs = 0
  #present: IssuedToken | undefined
  #running: Promise<IssuedToken> | undefined

  /** Throws `TokenRequestError` for a URL to which a secret may not be sent. */
  constructor(options: RemoteTokenSourceOptions) {
    const isPlain = options.certificate !== undefined && options.url.startsWith('http:')
    const fault = isPlain ? 'is without TLS, so that no certificate is shown there' : urlFault(options.url)
    if (fault !== undefined) {
      throw new TokenRequestError(
        'token-url-invalid',
        `the URL of the token issuer ${fault}; expected https://...`,
      )
    }
    this.subject = options.subject
    this.#options = options
    this.#url = new URL(options.url)
    this.#now = options.now ?? Date.now
  }

  /** Lifetime of the last token; 0 before the first. */
  get lifetimeSeconds(): number {
    return this.#lifetimeSeconds
  }

  get refreshAtMs(): number {
    return this.#refreshAtMs
  }

  /** The token to use now. Rejects with `TokenRequestError` where there is none and none can be had. */
  async current(): Promise<IssuedToken> {
    const now = this.#now()
    const present = this.#present
    if (present === undefined || now < this.#issuedAtMs) return this.renew()
    if (now < this.#refreshAtMs) return present
    try {
      return await this.renew()
    } catch (error) {
      if (this.#now() < present.expiresAtMs) return present
      throw error
    }
  }

  /** A new token whatever time the last one has left. Callers that ask at once share one. */
  renew(): Promise<IssuedToken> {
    this.#running ??= this.#request().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #request(): Promise<IssuedToken> {
    const { subject, secret, certificate, ca } = this.#options
    const proof = secret === undefined ? {} : { client_secret: secret }
    const form = { grant_type: 'client_credentials', client_id: subject, ...proof }
    const now = this.#now()
    let answer: HttpsAnswer
    try {
      answer = await ask({
        url: this.#url,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
        ca: typeof ca === 'function' ? await ca() : ca,
        certificate: typeof certificate === 'function' ? await certificate() : certificate,
        timeoutMs: TIMEOUT_MS,
        maximumBytes: MAXIMUM_BYTES,
      })
    } catch (error) {
      const message = `no token could be had from ${this.#url.host}: ${(error as Error).message}`
      throw new TokenRequestError('token-issuer-unreachable', message)
    }
    const proven = certificate === undefined ? 'secret' : 'certificate'
    const { token, lifetimeSeconds } = readAnswer(answer, { host: this.#url.host, subject, proven })
    this.#lifetimeSeconds = lifetimeSeconds
    // The time of a token begins before the answer is on its way.
    this.#issuedAtMs = now
    this.#refreshAtMs = now + (lifetimeSeconds - Math.min(REFRESH_SECONDS, lifetimeSeconds / 2)) * 1000
    this.#present = { token, expiresAtMs: now + lifetimeSeconds * 1000 }
    return this.#present
  }
}

function readAnswer(
  { status, text }: HttpsAnswer,
  { host, subject, proven }: { host: string; subject: string; proven: string },
) {
  const fields = objectIn(text)
  if (status !== 200) {
    const { error } = fields
    const why = typeof error === 'string' && /^\w{1,40}$/.test(error) ? error : `HTTP status ${status}`
    const isRefusal = status === 400 || status === 401 || status === 403
    const message = `${host} issues no token to ${JSON.stringify(subject)}: ${why}`
    throw isRefusal
      ? new TokenRequestError(
          'token-issuer-refused',
          `${message}; compare client identifier and ${proven} with its clients`,
        )
      : new TokenRequestError('token-issuer-unreachable', message)
  }
  const { access_token: token, expires_in: lifetimeSeconds, token_type: type } = fields
  const isBearer = typeof type === 'string' && type.toLowerCase() === 'bearer'
  const hasLife = typeof lifetimeSeconds === 'number' && lifetimeSeconds > 0 && lifetimeSeconds <= 86_400
  if (typeof token === 'string' && JWT.test(token) && isBearer && hasLife) return { token, lifetimeSeconds }
  // Whatever else it is may hold a secret.
  const expected = 'access_token (a JWT), token_type Bearer and expires_in (seconds, up to a day)'
  throw new TokenRequestError('token-issuer-refused', `${host} answered with something else than ${expected}`)
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
