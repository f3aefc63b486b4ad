import { systemClock } from '@jamey/bus'
import type { FastifyInstance } from 'fastify'
import { REQUEST_TIMEOUT_MS } from './limits.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the body is taken while it comes, and takes as long as that. */
    readonly isStreamed?: boolean
  }
}

/** Ends a request whose body is not whole in time; Node's own bound is one for all routes. */
export function boundBodyTime(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw, routeOptions }, _reply, done) => {
    const hasBody =
      raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined
    if (!hasBody || routeOptions.config?.isStreamed === true) return done()
    const timer = systemClock.setTimeout(() => {
      if (raw.complete) return
      const late = Object.assign(new Error('the body is late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
      app.server.emit('clientError', late, raw.socket)
    }, REQUEST_TIMEOUT_MS)
    raw.once('close', () => systemClock.clearTimeout(timer))
    return done()
  })
}
