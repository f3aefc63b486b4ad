import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../problems/problem.js'

/** A client's request for a token. [RFC 6749, section 4.4.2] */
export interface TokenRequest {
  readonly clientId: string
  /** Undefined: its certificate speaks for it. */
  readonly secret: string | undefined
  /** Permissions that it is to have of those that the client has; undefined: all. */
  readonly scope: readonly string[] | undefined
}

const BASIC = /^Basic +([\w+/-]+=*)$/i
const MAXIMUM_CHARACTERS = 1_024

/**
 * Reads a form or JSON, with the client's name and secret in it or in `Authorization: Basic`. Whoever shows a
 * certificate, whose name is `certificateName`, may leave both out. [RFC 8705, section 2] Throws a `Problem` with an
 * error of OAuth 2.0.
 */
export function readTokenRequest(
  headers: IncomingHttpHeaders,
  body: unknown,
  certificateName?: string,
): TokenRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidRequest('body', 'The body has to be a form or a JSON object.')
  }
  const text = (field: string): string | undefined => {
    const value: unknown = Object.hasOwn(body, field) ? (body as Record<string, unknown>)[field] : undefined
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string') return value
    throw invalidRequest(field, `${field} has to be a text, once.`)
  }
  const grantType = text('grant_type')
  if (grantType === undefined)
    throw invalidRequest('grant_type', 'grant_type is missing; expected client_credentials.')
  if (grantType !== 'client_credentials') {
    throw new Problem('invalid-input', 'The grant_type is not known; expected client_credentials.', {
      field: 'grant_type',
      error: 'unsupported_grant_type',
    })
  }
  const [named, secret] = clientOf(headers, text('client_id'), text('client_secret'))
  const clientId = named ?? (secret === undefined ? certificateName : undefined)
  if (clientId === undefined || (secret === undefined && certificateName === undefined))
    throw clientUnknown('client_id and client_secret are needed, or a client certificate.')
  if (clientId.length > MAXIMUM_CHARACTERS || (secret?.length ?? 0) > MAXIMUM_CHARACTERS)
    throw clientUnknown()
  const scope = text('scope')
    ?.split(' ')
    .filter((entry) => entry !== '')
  return { clientId, secret, scope }
}

/** [RFC 6749, section 2.3.1] */
function clientOf(
  { authorization }: IncomingHttpHeaders,
  clientId: string | undefined,
  secret: string | undefined,
): [string | undefined, string | undefined] {
  if (authorization === undefined) return [clientId, secret]
  if (secret !== undefined) {
    throw invalidRequest(
      'client_secret',
      'The secret may stand in Authorization or in the body, not in both.',
    )
  }
  const encoded = BASIC.exec(authorization)?.[1]
  if (encoded === undefined) throw clientUnknown('Authorization must be "Basic <client id and secret>".')
  const [name = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  try {
    const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '))
    return [decode(name), decode(rest.join(':'))]
  } catch {
    throw clientUnknown('Authorization must have the client id and the secret as a form has them.')
  }
}

/** The problem for a client that is not known, or whose secret is wrong: the same for both. */
export function clientUnknown(detail = 'The client is not known, or its secret is another one.'): Problem {
  return new Problem('client-unknown', detail, {
    error: 'invalid_client',
    headers: { 'www-authenticate': 'Basic realm="jamey", charset="UTF-8"' },
  })
}

function invalidRequest(field: string, detail: string): Problem {
  return new Problem('invalid-input', detail, { field, error: 'invalid_request' })
}
