import type { IncomingHttpHeaders } from 'node:http'
import {
  isLoopbackAddress,
  narrowedTo,
  Permissions,
  type TokenClaims,
  TokenError,
  type TokenVerifier,
} from '@jamey/auth'
import type { OnBehalfOf } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { Problem, retryAfter } from '../problems/problem.js'
import { isLocalHostHeader } from './host-header.js'
import { type CookieFacts, clearedCookie, cookieIn } from './session-cookie.js'
import { isSameToken, type Session, type Sessions } from './sessions.js'

/** A caller: the subject of a verified token, or somebody on this very machine. */
export interface Caller {
  /** Name by which rate limits count and which logs have; never anything secret. */
  readonly name: string
  /** True where a token proves the name. */
  readonly hasToken: boolean
  /** Permissions by which its calls are decided behind the gateway, with the client identifier. */
  readonly permissions: Permissions
  /** The claims of its token, for what outlasts a call. */
  readonly claims?: TokenClaims | undefined
  /** The session whose cookie it showed. */
  readonly session?: Session | undefined
  /** What a manifest allows it besides, as that is now; undefined where there is none. */
  readonly bounds?: (() => Permissions) | undefined
}

export interface CallerFacts {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** The origin of our own pages, as browsers write it. */
  readonly ownOrigin: string
  /** The address of the TCP peer itself, not what a header claims. */
  readonly peerAddress: string | undefined
  /** True where it came by a Unix socket, which the user who runs this gateway and root alone can reach. */
  readonly isByUnixSocket?: boolean
  /** The user of this machine whose program the peer is; undefined where that cannot be told. */
  readonly peerUser: () => Promise<number | undefined>
  /** True where the peer speaks TLS with this very server. */
  readonly isSecure?: boolean
  /** Proxies that say nothing of themselves still speak HTTP/1.0; programs of today do not. */
  readonly httpVersion: string
}

export interface CallerPolicy {
  /** Verifies tokens; without one no token can be accepted. */
  readonly verifier: TokenVerifier | undefined
  /** True where somebody on this machine may call without a token: only where the server listens on loopback alone. */
  readonly trustsLoopback: boolean
  /** True where those who come by the Unix socket may call without a token; false by default. */
  readonly trustsUnixSocket?: boolean
  /** Sessions of browsers; without them no cookie is taken. */
  readonly sessions?: Sessions | undefined
  /** What a manifest allows a client, beside its token; undefined where there is no manifest. */
  readonly boundsOf?: ((clientId: string) => Permissions) | undefined
}

const CHALLENGE = 'Bearer realm="jamey"'
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i

/** Anything a proxy adds shows that the peer on loopback only passes on what somebody elsewhere asked. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/** Says who calls. Throws a `Problem` 401 that tells why the caller is not accepted. */
export async function identifyCaller(facts: CallerFacts, policy: CallerPolicy): Promise<Caller> {
  const { authorization } = facts.headers
  if (authorization !== undefined) return callerOfToken(authorization, policy)
  if (policy.sessions !== undefined) {
    const cookie = cookieIn(facts.headers.cookie, cookieFacts(facts))
    if (cookie !== undefined) return callerOfCookie(cookie, facts, policy, policy.sessions)
  }
  const objection = objectionToLocalCaller(facts, policy) ?? (await objectionToUser(facts))
  if (objection === undefined) return bounded(LOCAL_CALLER, policy)
  throw new Problem(
    'token-required',
    `${objection} Send a token: "Authorization: Bearer <token>" ("jamey token" makes one).`,
    { headers: { 'www-authenticate': CHALLENGE } },
  )
}

/** The claims of the token of who wants to begin a session. Throws a `Problem` 401 that tells why it is none. */
export async function claimsOfToken(token: string, policy: CallerPolicy): Promise<TokenClaims> {
  if (policy.verifier === undefined) throw unverifiable()
  try {
    const claims = await policy.verifier.verify(token)
    const end = policy.verifier.endOf(claims)
    if (end !== undefined) throw end
    return claims
  } catch (error) {
    throw tokenProblem(error)
  }
}

/** Those of claims that were read before: the same token has the same claims. */
const readPermissions = new WeakMap<TokenClaims, Permissions>()

/** The caller that a token names. */
export function callerOfClaims(claims: TokenClaims, policy: Pick<CallerPolicy, 'boundsOf'>): Caller {
  let permissions = readPermissions.get(claims)
  if (permissions === undefined) {
    permissions = new Permissions(claims.permissions, { clientId: claims.sub })
    readPermissions.set(claims, permissions)
  }
  return bounded({ name: claims.sub, hasToken: true, permissions, claims }, policy)
}

/** Throws a `Problem` 403 where a page of another origin has a browser call. */
export function assertOwnPage({ headers, ownOrigin }: Pick<CallerFacts, 'headers' | 'ownOrigin'>): void {
  if (isOfOrigin(headers, ownOrigin)) return
  throw new Problem('cross-site', `Only pages of ${ownOrigin} may call with a cookie, or begin a session.`)
}

/** Whether the caller may have everything that a subscription to `filter` brings: by its token, and by a manifest. */
export function maySubscribe({ permissions, bounds }: Caller, filter: string): boolean {
  return permissions.maySubscribe(filter) && (bounds?.().maySubscribe(filter) ?? true)
}

/** Whether the caller may have a message of `topic`. */
export function mayReceive({ permissions, bounds }: Caller, topic: string): boolean {
  return permissions.mayReceive(topic) && (bounds?.().mayReceive(topic) ?? true)
}

/** Throws a `Problem` 401 for a caller that this machine alone vouches for. */
export function requireToken({ hasToken }: Caller): void {
  if (hasToken) return
  throw new Problem(
    'token-required',
    'This takes a token on this machine, too: whatever has an agent fetch a page could call it otherwise. Send "Authorization: Bearer <token>" ("jamey token" makes one).',
    { headers: { 'www-authenticate': CHALLENGE } },
  )
}

/** What services decide by on the caller's behalf: what its token and a manifest both allow, as that is now. */
export function passedOn({ permissions, bounds }: Caller): OnBehalfOf {
  const { clientId, list } = permissions
  return { clientId, permissions: bounds === undefined ? list : narrowedTo(permissions, bounds()) }
}

function permissionMissing({ name }: Caller, permission: string, isOfToken = true): Problem {
  // A filter may hold quotes and characters that no header may have.
  const isPlain = /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(permission)
  const scope = isPlain ? `, scope="${permission}"` : ''
  const lack = `lacks the permission ${permission}`
  const detail = isOfToken
    ? `The token of ${name} ${lack}.`
    : `${name} ${lack} in the manifest of this gateway (JAMEY_PERMISSIONS_FILE).`
  return new Problem('permission-missing', detail, {
    permission,
    headers: { 'www-authenticate': `${CHALLENGE}, error="insufficient_scope"${scope}` },
  })
}

/** Throws a `Problem` 403 that names the permission which the caller lacks to subscribe to `filter`. */
export function requireSubscription(caller: Caller, filter: string): void {
  if (maySubscribe(caller, filter)) return
  const permission = caller.permissions.decide('subscribe', filter).permission ?? `subscribe:${filter}`
  throw permissionMissing(caller, permission, !caller.permissions.maySubscribe(filter))
}

/** Throws a `Problem` 403 that names the permission which the caller lacks, by its token or by a manifest. */
export function requirePublish(caller: Caller, topic: string): void {
  const isOfToken = !caller.permissions.mayPublish(topic)
  if (!isOfToken && caller.bounds?.().mayPublish(topic) !== false) return
  throw permissionMissing(caller, `publish:${topic}`, isOfToken)
}

const { clientId, permissions } = COMPONENTS.operator
/** The user who runs the system. */
const LOCAL_CALLER: Caller = {
  name: 'local',
  hasToken: false,
  permissions: new Permissions(permissions, { clientId }),
}

async function callerOfToken(authorization: string, policy: CallerPolicy): Promise<Caller> {
  const token = BEARER.exec(authorization)?.[1]
  if (token === undefined) throw invalidToken('malformed', 'Authorization must be "Bearer <token>".')
  if (policy.verifier === undefined) throw unverifiable()
  try {
    return callerOfClaims(await policy.verifier.verify(token), policy)
  } catch (error) {
    throw tokenProblem(error)
  }
}

/** A cookie that means nothing is told, rather than that its bearer silently becomes somebody else. */
function callerOfCookie(
  cookie: string,
  facts: CallerFacts,
  policy: CallerPolicy,
  sessions: Sessions,
): Caller {
  assertOwnPage(facts)
  const session = sessions.find(cookie)
  if (session === undefined) {
    throw new Problem('session-over', 'The session has ended. Sign in again.', {
      headers: { 'www-authenticate': CHALLENGE, 'set-cookie': clearedCookie(cookieFacts(facts)) },
    })
  }
  const { method, headers } = facts
  if (method !== 'GET' && method !== 'HEAD' && !isSameToken(headers['jamey-csrf'], session.csrfToken)) {
    throw new Problem(
      'csrf-token-missing',
      'What changes something needs the header jamey-csrf with the csrf_token of the session (GET /v1/session).',
      { field: 'jamey-csrf' },
    )
  }
  return { ...callerOfClaims(session.claims, policy), session }
}

function cookieFacts({ ownOrigin }: Pick<CallerFacts, 'ownOrigin'>): CookieFacts {
  return { isSecure: ownOrigin.startsWith('https:') }
}

function bounded(caller: Caller, { boundsOf }: Pick<CallerPolicy, 'boundsOf'>): Caller {
  if (boundsOf === undefined) return caller
  const { clientId } = caller.permissions
  return { ...caller, bounds: () => boundsOf(clientId) }
}

function unverifiable(): Problem {
  return invalidToken(
    'unverifiable',
    'This gateway has neither MQTT_JWT_SECRET nor MQTT_JWKS_URL, so it can verify no token.',
  )
}

function tokenProblem(error: unknown): unknown {
  if (!(error instanceof TokenError)) return error
  if (error.code === 'token-keys-unavailable') {
    const detail = 'Tokens cannot be verified at the moment: their issuer cannot be reached.'
    return new Problem('unavailable', detail, { headers: retryAfter(5_000), cause: error })
  }
  return invalidToken(error.code, `${error.message[0]?.toUpperCase() ?? ''}${error.message.slice(1)}.`)
}

/** The reason goes into the header as a word of our own, since a message could hold quotes or line ends. */
function invalidToken(reason: string, detail: string): Problem {
  return new Problem('token-invalid', detail, {
    headers: {
      'www-authenticate': `${CHALLENGE}, error="invalid_token", error_description="${reason}"`,
    },
  })
}

function objectionToLocalCaller(facts: CallerFacts, policy: CallerPolicy): string | undefined {
  const { headers, peerAddress } = facts
  const { isByUnixSocket = false } = facts
  if (isByUnixSocket ? policy.trustsUnixSocket !== true : !policy.trustsLoopback) {
    return 'This gateway accepts no call without a token.'
  }
  if (!isByUnixSocket && (peerAddress === undefined || !isLoopbackAddress(peerAddress))) {
    return 'Only callers on the same machine may leave the token out.'
  }
  if (facts.httpVersion === '1.0') return 'A call by HTTP/1.0, as proxies make them, needs a token.'
  const proxyHeader = proxyHeaderOf(headers)
  if (proxyHeader !== undefined) return `A call that came through a proxy (${proxyHeader}) needs a token.`
  if (!isLocalHostHeader(headers.host)) {
    return 'Without a token the Host header must be localhost, 127.0.0.1 or [::1].'
  }
  return isOfOrigin(headers, `${facts.isSecure === true ? 'https' : 'http'}://${headers.host}`)
    ? undefined
    : 'Pages of other origins may not call without a token.'
}

/** The header that shows that a proxy passed a call on; undefined where there is none. */
export function proxyHeaderOf(headers: IncomingHttpHeaders): string | undefined {
  return PROXY_HEADERS.find((name) => headers[name] !== undefined)
}

/** The other users of this machine reach its loopback addresses, too. Asked last, as it takes a look at the system. */
async function objectionToUser({ isByUnixSocket, peerUser }: CallerFacts): Promise<string | undefined> {
  if (isByUnixSocket === true) return undefined
  const [user, own] = [await peerUser(), process.geteuid?.()]
  if (user === undefined || own === undefined) {
    return 'Which user of this machine calls cannot be told here, and only the one who runs this gateway may leave the token out.'
  }
  if (user === own || user === 0) return undefined
  return `Only programs of the user who runs this gateway (uid ${own}) or of root may leave the token out; this is one of uid ${user}.`
}

/**
 * Programs other than browsers send neither header. A browser sends Origin with everything that may change
 * something, and Sec-Fetch-Site with the rest. [Fetch, section 3.2; Fetch Metadata, section 2.4]
 */
function isOfOrigin({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders, own: string): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  return origin === undefined || origin.toLowerCase() === own.toLowerCase()
}
