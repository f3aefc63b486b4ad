import { isLoopbackAddress } from '@jamey/auth'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TOKEN_ENDPOINT } from '../api/endpoints.js'
import { proxyHeaderOf } from '../callers/caller.js'
import { type ShownCertificate, shownCertificate } from '../callers/https.js'
import { Problem } from '../problems/problem.js'
import { problemOf } from '../problems/problem-of-error.js'
import type { TokenIssuer } from './token-issuer.js'
import { readTokenRequest } from './token-request.js'

/** Far more than a name, a secret and some permissions take. */
const BODY_LIMIT_BYTES = 16 * 1024

type Send = (reply: FastifyReply, problem: Problem) => FastifyReply

/** `POST /v1/token`. Forms are read here alone: anywhere else a page could post one without being asked. */
export async function addTokenRoute(
  app: FastifyInstance,
  issuer: TokenIssuer | undefined,
  send: Send,
): Promise<void> {
  await app.register(async (scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, readForm)
    scope.setErrorHandler((error, _request, reply) => send(reply, asOAuth(problemOf(error))))
    scope.route({
      method: TOKEN_ENDPOINT.method,
      url: TOKEN_ENDPOINT.path,
      bodyLimit: BODY_LIMIT_BYTES,
      // A body is read only where it may be.
      onRequest: async (request) => {
        if (issuer === undefined)
          throw new Problem('not-found', 'This gateway issues no tokens (JAMEY_CLIENTS_FILE).')
        assertSecure(request)
      },
      handler: async (request, reply) => {
        const certificate = certificateOf(request)
        const asked = readTokenRequest(request.headers, request.body, certificate?.commonName)
        // [RFC 6749, section 5.1]
        reply.header('pragma', 'no-cache')
        return issuer?.issue(asked, request.ip, certificate)
      },
    })
  })
}

/** The certificate of the client; that of a proxy is its own, and says nothing about whose call it passes on. */
function certificateOf({ headers, raw }: FastifyRequest): ShownCertificate | undefined {
  return proxyHeaderOf(headers) === undefined ? shownCertificate(raw.socket) : undefined
}

/** A secret came over the network in the open, and is known by now. [RFC 6749, section 3.2] */
function assertSecure({ protocol, raw }: FastifyRequest): void {
  const { remoteAddress } = raw.socket
  if (protocol === 'https' || (remoteAddress !== undefined && isLoopbackAddress(remoteAddress))) return
  const detail =
    'Tokens are issued over TLS alone: with JAMEY_HTTP_CERT, through a proxy that JAMEY_HTTP_TRUST_PROXY names and that says so (X-Forwarded-Proto), or on this machine.'
  throw new Problem('invalid-input', detail, { error: 'invalid_request' })
}

async function readForm(_request: FastifyRequest, text: string | Buffer): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of new URLSearchParams(String(text))) {
    // A parameter may stand once. [RFC 6749, section 3.2]
    fields[name] = Object.hasOwn(fields, name) ? [fields[name], value] : value
  }
  return fields
}

/** The problem with an error of OAuth 2.0, also where the request is at fault. */
function asOAuth(problem: Problem): Problem {
  const { kind, status, message, field, headers, cause } = problem
  if (problem.error !== undefined || ![400, 413, 415].includes(status)) return problem
  return new Problem(kind, message, { field, headers, cause, error: 'invalid_request' })
}
