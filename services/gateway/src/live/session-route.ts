import { isLoopbackAddress } from '@jamey/auth'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { SESSION_PATH } from '../api/live-endpoints.js'
import {
  assertOwnPage,
  type Caller,
  type CallerPolicy,
  callerOfClaims,
  claimsOfToken,
  passedOn,
} from '../callers/caller.js'
import { ownOriginOf } from '../callers/callers.js'
import { type CookieFacts, clearedCookie, cookieIn, sessionCookie } from '../callers/session-cookie.js'
import type { Sessions } from '../callers/sessions.js'
import { Problem } from '../problems/problem.js'

/** A token has 16 KiB at the most. */
const BODY_LIMIT_BYTES = 20 * 1024

export interface SessionRoute {
  readonly policy: CallerPolicy
  /** Finds out who calls. */
  readonly identify: onRequestHookHandler
  /** Counts the calls of a caller. */
  readonly limit: onRequestHookHandler[]
  readonly callerOf: (request: FastifyRequest) => Caller
  /** Streams that rest on a session that is over are ended. */
  readonly sweep: () => void
}

/** `POST`, `GET` and `DELETE /v1/session`. */
export function addSessionRoutes(app: FastifyInstance, route: SessionRoute): void {
  const { policy, identify, limit, callerOf, sweep } = route
  const gates = [identify, ...limit]
  app.route({
    method: 'POST',
    url: SESSION_PATH,
    bodyLimit: BODY_LIMIT_BYTES,
    onRequest: [...gates, async (request) => assertFit(request)],
    handler: async (request, reply) => {
      const sessions = sessionsOf(policy)
      const claims = await claimsOfToken(tokenIn(request.body), policy)
      endPresent(sessions, request)
      const { id, session } = sessions.begin(claims)
      sweep()
      reply.header('set-cookie', sessionCookie(id, cookieFacts(request)))
      return shown({ ...callerOfClaims(claims, policy), session })
    },
  })
  app.route({
    method: 'GET',
    url: SESSION_PATH,
    onRequest: gates,
    handler: async (request) => shown(callerOf(request)),
  })
  app.route({
    method: 'DELETE',
    url: SESSION_PATH,
    onRequest: gates,
    handler: async (request, reply) => end(request, reply, callerOf(request), policy.sessions, sweep),
  })
}

function end(
  request: FastifyRequest,
  reply: FastifyReply,
  { session }: Caller,
  sessions: Sessions | undefined,
  sweep: () => void,
): FastifyReply {
  if (session === undefined) throw new Problem('not-found', 'This call has no session: it showed no cookie.')
  sessions?.end(session)
  sweep()
  return reply
    .header('set-cookie', clearedCookie(cookieFacts(request)))
    .code(204)
    .send()
}

/** Who calls, as it is told; whoever comes from this machine without a token is called local. */
function shown(caller: Caller): object {
  const { name, claims, session } = caller
  return {
    name,
    permissions: passedOn(caller).permissions,
    ...(claims === undefined ? {} : { expires_at: new Date(Math.floor(claims.exp * 1000)).toISOString() }),
    ...(session === undefined ? {} : { csrf_token: session.csrfToken }),
  }
}

/**
 * A session begins under an identifier that nobody knew before, whatever cookie came with the call; the one that was
 * there ends.
 */
function endPresent(sessions: Sessions, request: FastifyRequest): void {
  const present = sessions.find(cookieIn(request.headers.cookie, cookieFacts(request)) ?? '')
  if (present !== undefined) sessions.end(present)
}

function sessionsOf({ sessions }: CallerPolicy): Sessions {
  if (sessions !== undefined) return sessions
  const detail =
    'This gateway has neither MQTT_JWT_SECRET nor MQTT_JWKS_URL, so it can verify no token and begin no session.'
  throw new Problem('not-found', detail)
}

/** Throws where a page of another origin would sign somebody in, or the token comes over the network in the open. */
function assertFit(request: FastifyRequest): void {
  assertOwnPage({ headers: request.headers, ownOrigin: ownOriginOf(request) })
  const { protocol, raw } = request
  const { remoteAddress } = raw.socket
  const isHere = remoteAddress === undefined || isLoopbackAddress(remoteAddress)
  if (protocol === 'https' || isHere) return
  const detail =
    'Sessions begin over TLS alone: with JAMEY_HTTP_CERT, through a proxy that JAMEY_HTTP_TRUST_PROXY names and that says so (X-Forwarded-Proto), or on this machine.'
  throw new Problem('invalid-input', detail)
}

function tokenIn(body: unknown): string {
  const { token, ...others } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >
  if (typeof token === 'string' && token !== '' && Object.keys(others).length === 0) return token
  // What was found is not told: it may be most of a token.
  throw new Problem('invalid-input', 'The body must be {"token": "..."} and nothing else.', {
    field: 'token',
  })
}

function cookieFacts({ protocol }: FastifyRequest): CookieFacts {
  return { isSecure: protocol === 'https' }
}
