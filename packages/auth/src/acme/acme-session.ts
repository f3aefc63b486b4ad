import { createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, FlattenedSign, type JWK } from 'jose'
import { AcmeError } from '../support/errors.js'
import { ask, type HttpsAnswer, urlFault } from '../support/https-request.js'

const TIMEOUT_MS = 20_000
const MAXIMUM_BYTES = 262_144
/** A server may say `badNonce` at any time; the next nonce comes with that answer. RFC 8555 section 6.5 */
const TRIES = 5
/** Characters of a server's words about a failure that are passed on. */
const MAXIMUM_DETAIL = 300

export interface AcmeAnswer extends HttpsAnswer {
  readonly json: Readonly<Record<string, unknown>>
  /** URL of what was made, from the header Location. */
  readonly location: string | undefined
}

export interface AcmeServer {
  /** `https:`, or `http:` of this machine. */
  readonly directoryUrl: string
  /** Authorities that may have signed the server's certificate, PEM; those that Node knows by default. */
  readonly ca?: string | Uint8Array | undefined
}

/** Signed requests of one account to one ACME server. */
export class AcmeSession {
  readonly #server: AcmeServer
  readonly #key: KeyObject
  readonly #jwk: JWK
  #directory: Readonly<Record<string, unknown>> = {}
  #account: string | undefined
  #nonce: string | undefined

  /** `key`: EC P-256, of the account. */
  constructor(server: AcmeServer, key: KeyObject) {
    this.#server = server
    this.#key = key
    const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
    this.#jwk = { kty, crv, x, y } as JWK
  }

  /** Reads the directory, and makes the account or finds the one of its key. Throws `AcmeError`. */
  async open(contact: readonly string[]): Promise<void> {
    const { json } = await this.#send(this.#server.directoryUrl, 'GET')
    this.#directory = json
    const account = await this.post(this.url('newAccount'), {
      termsOfServiceAgreed: true,
      ...(contact.length === 0 ? {} : { contact }),
    })
    if (account.location === undefined) throw unusable('names no account in Location')
    this.#account = account.location
  }

  /** One URL of the directory. Throws `AcmeError` where it has none of that name. */
  url(name: string): string {
    return urlIn(this.#directory, name)
  }

  /** Content of the file of an HTTP-01 challenge. RFC 8555 section 8.1 */
  async keyAuthorization(token: string): Promise<string> {
    return `${token}.${await calculateJwkThumbprint(this.#jwk, 'sha256')}`
  }

  /** `undefined` is the empty payload of POST-as-GET. Throws `AcmeError` for every answer that is not of 2xx. */
  async post(url: string, payload: object | undefined, accept = 'application/json'): Promise<AcmeAnswer> {
    for (let tries = 1; ; tries++) {
      const answer = await this.#send(url, 'POST', await this.#signed(url, payload), accept)
      if (answer.status >= 200 && answer.status < 300) return answer
      if (answer.json['type'] !== 'urn:ietf:params:acme:error:badNonce' || tries >= TRIES) {
        throw new AcmeError('acme-refused', `${hostOf(url)} refuses: ${problemOf(answer)}`)
      }
    }
  }

  async #signed(url: string, payload: object | undefined): Promise<string> {
    if (this.#nonce === undefined) await this.#send(this.url('newNonce'), 'HEAD')
    const nonce = this.#nonce
    if (nonce === undefined) throw unusable('gives no Replay-Nonce')
    this.#nonce = undefined
    const who = this.#account === undefined ? { jwk: this.#jwk } : { kid: this.#account }
    const bytes = new TextEncoder().encode(payload === undefined ? '' : JSON.stringify(payload))
    const jws = await new FlattenedSign(bytes)
      .setProtectedHeader({ alg: 'ES256', nonce, url, ...who })
      .sign(this.#key)
    return JSON.stringify(jws)
  }

  async #send(
    url: string,
    method: 'GET' | 'HEAD' | 'POST',
    body?: string,
    accept?: string,
  ): Promise<AcmeAnswer> {
    const fault = urlFault(url)
    if (fault !== undefined) throw unusable(`is to be asked at a URL that ${fault}`)
    let answer: HttpsAnswer
    try {
      answer = await ask({
        url: new URL(url),
        method,
        headers: {
          'user-agent': 'jamey',
          ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
          ...(accept === undefined ? {} : { accept }),
        },
        body,
        ca: this.#server.ca,
        timeoutMs: TIMEOUT_MS,
        maximumBytes: MAXIMUM_BYTES,
      })
    } catch (error) {
      throw new AcmeError('acme-unreachable', `${hostOf(url)} cannot be asked: ${(error as Error).message}`)
    }
    this.#nonce = textOf(answer.headers['replay-nonce']) ?? this.#nonce
    return { ...answer, json: objectIn(answer.text), location: textOf(answer.headers['location']) }
  }
}

/** Throws `AcmeError` where `object` has no URL of that name. */
export function urlIn(object: Readonly<Record<string, unknown>>, name: string): string {
  const url = object[name]
  if (typeof url === 'string') return url
  throw unusable(`names no ${name}`)
}

/** An authority's words about a failure, in one line without control characters. RFC 8555 section 6.7 */
export function problemOf({ json, status }: Pick<AcmeAnswer, 'json' | 'status'>): string {
  const { type, detail } = json
  const texts = [type, detail].filter((text) => typeof text === 'string')
  const line = texts.join(': ').replace(/^urn:ietf:params:acme:error:/, '')
  return (line === '' ? `HTTP status ${status}` : line).replace(/\p{Cc}+/gu, ' ').slice(0, MAXIMUM_DETAIL)
}

function unusable(what: string): AcmeError {
  return new AcmeError('acme-refused', `the ACME server ${what}`)
}

function hostOf(url: string): string {
  return new URL(url).host
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
