import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { Pkcs10CertificateRequest, type SubjectAlternativeNameExtension } from '@peculiar/x509'
import { calculateJwkThumbprint, decodeProtectedHeader, flattenedVerify, importJWK, type JWK } from 'jose'
import { type Authority, issueServerCertificate } from '../certificates/certificate.js'

type Fields = Record<string, unknown>

/**
 * A server of RFC 8555, as far as a client can get it wrong: nonces once, signatures, account keys, HTTP-01 from
 * outside.
 */
export class AcmeTestServer {
  /** Number of nonces to refuse; set by tests. */
  badNonces = 0
  challengePort = 0
  isSilent = false
  readonly accounts = new Map<string, JWK>()
  readonly seen: string[] = []
  readonly #nonces = new Set<string>()
  readonly #authority: Authority
  #port = 0
  readonly #server: Server
  #order: Fields = {}
  #authorizations: { value: string; token: string; status: string; error?: Fields }[] = []
  #chain = ''
  #count = 0

  constructor(authority: Authority) {
    this.#authority = authority
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    this.seen.push(`${request.method} ${path}`)
    const body = await textOf(request)
    const nonce = `nonce-${++this.#count}`
    this.#nonces.add(nonce)
    response.setHeader('replay-nonce', nonce)
    const answer = (status: number, body: Fields | string, headers: Fields = {}): void => {
      response.writeHead(status, headers as never)
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    const refuse = (type: string, detail = ''): void =>
      answer(400, { type: `urn:ietf:params:acme:error:${type}`, detail })
    if (path === '/directory') return answer(200, this.#directory())
    if (path === '/nonce') return answer(200, '')
    if (request.headers['content-type'] !== 'application/jose+json')
      return refuse('malformed', 'content-type')
    const jws = JSON.parse(body) as Parameters<typeof flattenedVerify>[0]
    const { nonce: shown, url, jwk, kid } = decodeProtectedHeader(jws) as Fields & { jwk?: JWK }
    if (!this.#nonces.delete(String(shown)) || this.badNonces-- > 0) return refuse('badNonce')
    if (url !== `${this.url}${path}`) return refuse('unauthorized', 'url')
    const key = path === '/account' ? jwk : this.accounts.get(String(kid))
    if (key === undefined) return refuse('accountDoesNotExist')
    const { payload } = await flattenedVerify(jws, await importJWK(key, 'ES256'))
    const text = Buffer.from(payload).toString()
    const fields = text === '' ? undefined : (JSON.parse(text) as Fields)
    await this.#dispatch(path, fields, key, answer, refuse)
  }

  #directory(): Fields {
    const { url } = this
    return { newNonce: `${url}/nonce`, newAccount: `${url}/account`, newOrder: `${url}/order` }
  }

  async #dispatch(
    path: string,
    fields: Fields | undefined,
    key: JWK,
    answer: (status: number, body: Fields | string, headers?: Fields) => void,
    refuse: (type: string, detail?: string) => void,
  ): Promise<void> {
    if (path === '/account') {
      if (fields?.['termsOfServiceAgreed'] !== true) return refuse('userActionRequired', 'the terms')
      const kid = `${this.url}/accounts/${await calculateJwkThumbprint(key)}`
      this.accounts.set(kid, key)
      return answer(201, { status: 'valid' }, { location: kid })
    }
    if (path === '/order') return this.#begin(fields ?? {}, answer)
    if (path === '/orders/1') return answer(200, this.#order, { 'retry-after': '7' })
    if (path === '/finalize') return this.#finalize(String(fields?.['csr']), answer, refuse)
    if (path === '/certificate') return answer(200, this.#chain)
    const [, kind, at] = /^\/(authz|challenge)\/(\d+)$/.exec(path) ?? []
    const authorization = this.#authorizations[Number(at)]
    if (authorization === undefined) return refuse('malformed', path)
    if (kind === 'challenge') await this.#check(authorization, key)
    const { value, status, token, error } = authorization
    const challenge = { type: 'http-01', url: `${this.url}/challenge/${at}`, token, ...(error && { error }) }
    answer(200, { identifier: { type: 'dns', value }, status, challenges: [{ type: 'dns-01' }, challenge] })
  }

  #begin({ identifiers }: Fields, answer: (status: number, body: Fields, headers?: Fields) => void): void {
    const values = (identifiers as { value: string }[]).map(({ value }) => value)
    this.#authorizations = values.map((value, i) => ({ value, token: `token-${i}`, status: 'pending' }))
    const authorizations = values.map((_, i) => `${this.url}/authz/${i}`)
    this.#order = { status: 'pending', authorizations, finalize: `${this.url}/finalize` }
    answer(201, this.#order, { location: `${this.url}/orders/1` })
  }

  async #check(authorization: { token: string; status: string; error?: Fields }, key: JWK): Promise<void> {
    const { token } = authorization
    const expected = `${token}.${await calculateJwkThumbprint(key)}`
    const found = await textAt(this.challengePort, `/.well-known/acme-challenge/${token}`)
    authorization.status = found === expected ? 'valid' : 'invalid'
    if (found !== expected) {
      const type = 'urn:ietf:params:acme:error:unauthorized'
      authorization.error = { type, detail: `found ${JSON.stringify(found)}\nthere` }
    }
    const isReady = this.#authorizations.every(({ status }) => status === 'valid') && !this.isSilent
    if (isReady) this.#order['status'] = 'ready'
  }

  async #finalize(
    csr: string,
    answer: (status: number, body: Fields) => void,
    refuse: (type: string) => void,
  ): Promise<void> {
    const request = new Pkcs10CertificateRequest(Buffer.from(csr, 'base64url'))
    if (this.#order['status'] !== 'ready' || !(await request.verify())) return refuse('orderNotReady')
    const names = request.getExtension('2.5.29.17') as SubjectAlternativeNameExtension | null
    const hosts = names?.names.items.map(({ value }) => value) ?? []
    const issued = await issueServerCertificate(this.#authority, { hosts, keyPem: this.#keyOf?.() })
    this.#chain = `${issued.certPem}${this.#authority.certPem}`
    this.#order['status'] = 'valid'
    this.#order['certificate'] = `${this.url}/certificate`
    answer(200, this.#order)
  }

  /** Our issuer wants a private key, which the client's file has. */
  #keyOf: (() => string) | undefined

  issueFor(keyOf: () => string): void {
    this.#keyOf = keyOf
  }
}

function textAt(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path }, async (response) => {
      const text = await textOf(response)
      resolve(response.statusCode === 200 ? text : `HTTP ${response.statusCode}`)
    })
    asked.on('error', ({ message }) => resolve(message))
  })
}
