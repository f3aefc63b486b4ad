import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import { Problem } from '../problems/problem.js'
import { type Caller, type CallerPolicy, identifyCaller, requirePublish, requireToken } from './caller.js'
import { PeerUsers } from './peer-user.js'
import { cameByUnixSocket } from './unix-socket.js'

/** The caller of each request: found out once, then used for counting and for permission. */
export class Callers {
  readonly #policy: CallerPolicy
  readonly #peerUsers = new PeerUsers()
  readonly #known = new WeakMap<FastifyRequest, Caller | Problem>()

  constructor(policy: CallerPolicy) {
    this.#policy = policy
  }

  /** Finds out who calls. A caller that is not accepted is only remembered here; `admit` refuses it. */
  async identify(request: FastifyRequest): Promise<void> {
    const { headers, raw } = request
    const facts = {
      method: request.method,
      headers,
      ownOrigin: ownOriginOf(request),
      peerAddress: raw.socket.remoteAddress,
      isByUnixSocket: cameByUnixSocket(raw.socket),
      peerUser: () => this.#peerUsers.userOf(raw.socket),
      isSecure: raw.socket instanceof TLSSocket,
      httpVersion: raw.httpVersion,
    }
    try {
      this.#known.set(request, await identifyCaller(facts, this.#policy))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      this.#known.set(request, error)
    }
  }

  /** The caller of a request, whatever it may. Throws a `Problem` 401 or 403 where it is not accepted. */
  accepted(request: FastifyRequest): Caller {
    const caller = this.#known.get(request)
    if (caller === undefined) throw new Error('accepted needs identify to have run')
    if (caller instanceof Problem) throw caller
    return caller
  }

  /** The caller of a request that was admitted. */
  admitted(request: FastifyRequest): Caller {
    const caller = this.#known.get(request)
    if (caller === undefined || caller instanceof Problem) throw new Error('the call was not admitted')
    return caller
  }

  /**
   * What a caller's calls are counted under: its name where a token or the system proves it, its address otherwise, so
   * that those of other users of this machine, who are refused, take nothing from the one who is not.
   */
  keyOf(request: FastifyRequest): string {
    const caller = this.#known.get(request)
    if (caller === undefined || caller instanceof Problem) return `address ${request.ip}`
    return caller.hasToken ? `token ${caller.name}` : 'local'
  }

  /** Throws a `Problem` 401 or 403 unless the caller may publish to `topic`, by its token and by a manifest, and shows a token where one is needed. */
  async admit(request: FastifyRequest, topic: string, needsToken: boolean): Promise<void> {
    const caller = this.accepted(request)
    if (needsToken) requireToken(caller)
    requirePublish(caller, topic)
  }
}

/** The origin of the pages of this server, as a proxy that is trusted says it, or as the browser called it. */
export function ownOriginOf({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`
}
