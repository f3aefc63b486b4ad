import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../problems/problem.js'
import { type DashboardFile, readDashboard } from './dashboard-files.js'

/** Everything comes from here and nothing stands in the page itself: no inline script, no style sheet of others. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
const A_YEAR = 'public, max-age=31536000, immutable'

/** `/`, which is the page to a browser and `index` as plain text to everybody else, and `/assets/*`. */
export function addDashboardRoutes(
  app: FastifyInstance,
  folder: string | undefined,
  index: () => string,
): void {
  const files = folder === undefined ? undefined : readDashboard(folder)
  const page = files?.get('/')
  app.get('/', async (request, reply) => {
    if (page === undefined) return reply.type('text/plain; charset=utf-8').send(index())
    if (!acceptsPage(request))
      return reply.header('vary', 'accept').type('text/plain; charset=utf-8').send(index())
    return sendFile(request, reply, page)
  })
  if (files === undefined) return
  app.get('/assets/*', async (request, reply) => {
    const file = files.get(`/assets/${(request.params as { '*': string })['*']}`)
    if (file === undefined) throw new Problem('not-found', 'The page has no file of this name.')
    return sendFile(request, reply, file)
  })
}

/** Programs send `*\/*` or nothing; browsers name the type. */
function acceptsPage({ headers: { accept = '' } }: FastifyRequest): boolean {
  return accept.split(',').some((range) => range.trim().split(';', 1)[0] === 'text/html')
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: DashboardFile): FastifyReply {
  const { bytes, compressed, type, etag, isHashed } = file
  reply.headers({
    vary: 'accept, accept-encoding',
    'content-security-policy': PAGE_POLICY,
    'cache-control': isHashed ? A_YEAR : 'no-cache',
    etag,
  })
  if (request.headers['if-none-match']?.replace('-gzip"', '"') === etag) return reply.code(304).send()
  reply.type(type)
  if (compressed === undefined || !acceptsGzip(request)) return reply.send(bytes)
  // Another representation has another validator. [RFC 9110, section 8.8.3]
  return reply.headers({ 'content-encoding': 'gzip', etag: etag.replace(/"$/, '-gzip"') }).send(compressed)
}

/** Without a weight of zero. [RFC 9110, section 12.5.3] */
function acceptsGzip({ headers }: FastifyRequest): boolean {
  const codings = String(headers['accept-encoding'] ?? '').split(',')
  return codings.some((coding) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(coding))
}
