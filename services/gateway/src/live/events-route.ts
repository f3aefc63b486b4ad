import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { GatewayBus } from '../api/gateway-bus.js'
import { EVENTS_PATH } from '../api/live-endpoints.js'
import { type Caller, requireSubscription } from '../callers/caller.js'
import { excerpt } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'
import { EventStream } from './event-stream.js'
import { refusalOf, requireOfGateway } from './gateway-permission.js'
import type { Viewer } from './viewer.js'
import type { Viewers } from './viewers.js'

export const MAXIMUM_FILTERS_OF_STREAM = 16
export const MAXIMUM_FILTER_CHARACTERS = 1_024

export interface EventsRoute {
  readonly bus: GatewayBus
  readonly viewers: Viewers
  /** Who calls, and how often. */
  readonly gates: onRequestHookHandler[]
  readonly callerOf: (request: FastifyRequest) => Caller
  /** The reason why nothing can be subscribed to at the moment. */
  readonly unavailability: () => Problem | undefined
}

/** `GET /v1/events`. */
export function addEventsRoute(app: FastifyInstance, route: EventsRoute): void {
  const { bus, viewers, gates, callerOf, unavailability } = route
  app.route({
    method: 'GET',
    url: EVENTS_PATH,
    exposeHeadRoute: false,
    onRequest: gates,
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const filters = filtersOf(request, caller)
      for (const filter of filters) requireSubscription(caller, filter)
      for (const filter of filters) requireOfGateway(bus, 'subscribe', filter)
      const problem = unavailability()
      if (problem !== undefined) throw problem
      const viewer = await opened(viewers, caller, filters)
      show(viewer, viewers, reply)
    },
  })
}

async function opened(viewers: Viewers, caller: Caller, filters: readonly string[]): Promise<Viewer> {
  try {
    return await viewers.open(caller, filters)
  } catch (error) {
    throw refusalOf(error, filters.join(', '))
  }
}

/** Takes the response over: from here on it is a stream. */
function show(viewer: Viewer, viewers: Viewers, reply: FastifyReply): void {
  const { raw } = reply
  reply.hijack()
  raw.once('close', () => viewers.end(viewer, 'client-closed'))
  if (raw.destroyed || viewer.isOver) {
    viewers.end(viewer, 'client-closed')
    raw.destroy()
    return
  }
  const stream = new EventStream(raw)
  stream.open(reply.getHeaders())
  viewer.show(stream)
}

/** The different filters of the query. Throws a `Problem` 400 that says what is wrong with one. */
function filtersOf({ query }: FastifyRequest, { permissions }: Caller): readonly string[] {
  const { filter: given, ...others } = query as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    const detail = `There is no query parameter ${excerpt(unknown)}; there is filter.`
    throw new Problem('invalid-input', detail, { field: unknown.slice(0, 60) })
  }
  const filters = [...new Set([given].flat())].filter((filter) => typeof filter === 'string')
  if (filters.length === 0 || filters.length > MAXIMUM_FILTERS_OF_STREAM) {
    throw wrongFilter(`there must be 1 to ${MAXIMUM_FILTERS_OF_STREAM} of them; found ${filters.length}`)
  }
  for (const filter of filters) {
    if (filter.startsWith('$share/')) {
      throw wrongFilter(`${excerpt(filter)} is shared, and a viewer would take messages away from the others`)
    }
    const isValid = permissions.decide('subscribe', filter).ruling !== 'invalid'
    if (isValid && filter.length <= MAXIMUM_FILTER_CHARACTERS) continue
    throw wrongFilter(
      `expected an MQTT topic filter of at most ${MAXIMUM_FILTER_CHARACTERS} characters; found ${excerpt(filter)}`,
    )
  }
  return filters
}

function wrongFilter(fault: string): Problem {
  return new Problem('invalid-input', `filter is not acceptable: ${fault}.`, { field: 'filter' })
}
