import { asyncApiDocument } from '@jamey/contracts'
import type { FastifyInstance } from 'fastify'
import { openApiDocument } from '../api/openapi.js'
import { openApiPage, PAGE_POLICY } from '../api/openapi-page.js'

/** What describes this gateway and the messages behind it; each is made when it is first asked for. */
const JSON_DOCUMENTS = {
  '/v1/openapi.json': openApiDocument,
  '/v1/asyncapi.json': () => asyncApiDocument(),
} as const

export function addDocumentRoutes(app: FastifyInstance): void {
  for (const [path, make] of Object.entries(JSON_DOCUMENTS)) {
    let text: string | undefined
    app.get(path, async (_request, reply) => {
      text ??= JSON.stringify(make())
      return reply.type('application/json; charset=utf-8').send(text)
    })
  }
  let page: string | undefined
  app.get('/v1/docs', async (_request, reply) => {
    page ??= openApiPage()
    reply.header('content-security-policy', PAGE_POLICY)
    return reply.type('text/html; charset=utf-8').send(page)
  })
}
