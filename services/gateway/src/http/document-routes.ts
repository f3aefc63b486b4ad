import { asyncApiDocument } from '@jamey/contracts'
import type { FastifyInstance } from 'fastify'
import { openApiDocument } from '../api/openapi.js'
import { openApiPage, PAGE_POLICY } from '../api/openapi-page.js'
import { Problem } from '../problems/problem.js'
import { ServedPages } from './served-pages.js'

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
  const pages = new ServedPages()
  app.get('/llms.txt', async (_request, reply) => {
    return reply.type('text/plain; charset=utf-8').send(await found(pages, 'llms.txt'))
  })
  app.get('/docs/:page', async (request, reply) => {
    const { page: name } = request.params as { page: string }
    return reply.type('text/markdown; charset=utf-8').send(await found(pages, name))
  })
}

async function found(pages: ServedPages, name: string): Promise<string> {
  const text = await pages.text(name)
  if (text === undefined)
    throw new Problem('not-found', 'There is no such document; GET /llms.txt lists them.')
  return text
}
