import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { exportStream, importLines } from '../api/archive-streams.js'
import type { Endpoint } from '../api/endpoint.js'
import type { Forwarder } from '../api/forwarder.js'
import { EXPORT_ENDPOINT, IMPORT_ENDPOINT } from '../api/memory-endpoints.js'
import type { Caller } from '../callers/caller.js'

/** Lines of JSON have no registered type; programs use these. */
const LINES = ['application/x-ndjson', 'application/jsonl', 'application/json-lines']
/** A body is taken as it comes, a batch at a time, so its length says nothing of what it costs. */
const ANY_LENGTH = Number.MAX_SAFE_INTEGER

export interface ArchiveRoutes {
  readonly forwarder: Forwarder
  /** Who calls, whether it may, and how often. */
  readonly gatesOf: (endpoint: Endpoint) => onRequestHookHandler[]
  readonly callerOf: (request: FastifyRequest) => Caller
  /** Throws where no call can be sent; gives the signal that ends one. */
  readonly begin: (reply: FastifyReply) => AbortSignal
}

/** The two routes whose bodies are lines, one memory each, which come and go in pages. */
export async function addArchiveRoutes(app: FastifyInstance, routes: ArchiveRoutes): Promise<void> {
  const { forwarder, gatesOf, callerOf, begin } = routes
  const caller = (endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply) => {
    const signal = begin(reply)
    return async (input: Record<string, unknown>) => {
      const { output } = await forwarder.call(
        forwarder.prepare(endpoint, request, callerOf(request), input),
        signal,
      )
      return output
    }
  }
  // In a scope of its own: no other route takes bodies of lines, and these no others.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(LINES, async (_request: FastifyRequest, body: unknown) => body)
    scope.route({
      method: EXPORT_ENDPOINT.method,
      url: EXPORT_ENDPOINT.path,
      onRequest: gatesOf(EXPORT_ENDPOINT),
      handler: async (request, reply) => {
        const input = EXPORT_ENDPOINT.input(request) as Record<string, unknown>
        reply.type(`${LINES[0]}; charset=utf-8`)
        // Whoever wants the headers alone has nobody read all memories for it.
        if (request.method === 'HEAD') return reply.send()
        const lines = await exportStream(caller(EXPORT_ENDPOINT, request, reply), input)
        return reply.send(lines)
      },
    })
    scope.route({
      method: IMPORT_ENDPOINT.method,
      url: IMPORT_ENDPOINT.path,
      bodyLimit: ANY_LENGTH,
      config: { isStreamed: true },
      onRequest: gatesOf(IMPORT_ENDPOINT),
      handler: async (request, reply) =>
        reply.send(
          await importLines(
            (request.body ?? []) as AsyncIterable<Uint8Array>,
            caller(IMPORT_ENDPOINT, request, reply),
          ),
        ),
    })
  })
}
