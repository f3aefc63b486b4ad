import { EVENTS_PATH, LIVE_ENDPOINTS, SESSION_PATH } from './live-endpoints.js'
import { problemResponses } from './problem-responses.js'

type Json = Record<string, unknown>

export const SESSION_COOKIE =
  'From POST /v1/session; __Host-jamey-session over TLS. What changes something needs the header jamey-csrf, too.'

const SESSION: Json = {
  type: 'object',
  required: ['name', 'permissions'],
  properties: {
    name: { type: 'string', description: 'The client identifier; local for who needs no token.' },
    permissions: { type: 'array', items: { type: 'string' } },
    expires_at: { type: 'string', format: 'date-time' },
    csrf_token: { type: 'string', description: 'For the header jamey-csrf; where there is a session.' },
  },
}

const SESSION_EXAMPLE: Json = {
  name: 'eva',
  permissions: ['subscribe:jamey/events/#'],
  expires_at: '2024-11-14T20:05:00.000Z',
  csrf_token: '6cW3hC8Qm0o0k0nG9hA1pQf4oGm1xw7yq3b2d5e8r4s',
}

const SHOWN_SESSION: Json = {
  200: {
    description: 'Who calls.',
    content: { 'application/json': { schema: SESSION, example: SESSION_EXAMPLE } },
  },
}

const EVENT_EXAMPLE =
  'id: 1\nevent: message\ndata: {"topic":"home/lamp","payload":{"on":true},"qos":0,"retain":false,"is_verified":false,"received_at":"2024-11-14T20:00:00.000Z"}\n\n'

/** The operations of `LIVE_ENDPOINTS` by path and method. */
export const LIVE_OPERATIONS: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  [SESSION_PATH]: {
    post: {
      tags: ['Live'],
      operationId: 'session.begin',
      summary: summaryOf('POST', SESSION_PATH),
      description: 'Over TLS, or on the machine itself; from pages of this very origin.',
      security: [],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['token'],
              additionalProperties: false,
              properties: { token: { type: 'string', format: 'password' } },
            },
            example: { token: 'as `jamey token` printed it' },
          },
        },
      },
      responses: { ...SHOWN_SESSION, ...problemResponses([400, 401, 403, 404, 413, 415, 429, 503]) },
    },
    get: {
      tags: ['Live'],
      operationId: 'session.get',
      summary: summaryOf('GET', SESSION_PATH),
      responses: { ...SHOWN_SESSION, ...problemResponses([401, 403, 429]) },
    },
    delete: {
      tags: ['Live'],
      operationId: 'session.end',
      summary: summaryOf('DELETE', SESSION_PATH),
      responses: { 204: { description: 'It is over.' }, ...problemResponses([401, 403, 404, 429]) },
    },
  },
  [EVENTS_PATH]: {
    get: {
      tags: ['Live'],
      operationId: 'events',
      summary: summaryOf('GET', EVENTS_PATH),
      description:
        'A token needs permissions that cover each filter. Events: message, dropped (count), state (of the connection to the message broker), end (reason).',
      parameters: [
        {
          name: 'filter',
          in: 'query',
          required: true,
          description: 'A topic filter of MQTT; not a shared one. May be repeated.',
          schema: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 16 },
        },
      ],
      responses: {
        200: {
          description: 'The stream, which ends with the token.',
          content: { 'text/event-stream': { schema: { type: 'string' }, example: EVENT_EXAMPLE } },
        },
        ...problemResponses([400, 401, 403, 429, 500, 503]),
      },
    },
  },
}

function summaryOf(method: string, path: string): string {
  return LIVE_ENDPOINTS.find((each) => each.method === method && each.path === path)?.summary ?? ''
}
