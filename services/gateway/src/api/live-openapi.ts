import { MAXIMUM_TIMEOUT_MS, MINIMUM_TIMEOUT_MS } from '../callers/call-headers.js'
import { EVENTS_PATH, LIVE_ENDPOINTS, MESSAGES_PATH, REQUESTS_PATH, SESSION_PATH } from './live-endpoints.js'
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

const TOPIC_PARAMETER: Json = {
  name: 'topic',
  in: 'path',
  required: true,
  description: 'A topic name of MQTT, with its slashes as they are or as %2F.',
  schema: { type: 'string' },
}

const MESSAGE_BODY: Json = {
  type: 'object',
  additionalProperties: false,
  properties: {
    payload: { description: 'Any JSON; on the topic of a contract the data of its message.' },
    payload_text: { type: 'string' },
    payload_base64: { type: 'string' },
    qos: { enum: [0, 1, 2], default: 1 },
    retain: { type: 'boolean', default: false },
    content_type: { type: 'string' },
  },
}

const PUBLISHED: Json = {
  type: 'object',
  required: ['accepted', 'reason_code'],
  properties: {
    accepted: { const: true },
    reason_code: { type: 'integer', description: "MQTT's: 16 where nobody is subscribed." },
  },
}

const REQUEST_BODY: Json = {
  type: 'object',
  additionalProperties: false,
  properties: {
    payload: { description: 'The data of the request.' },
    action: { type: 'string', description: 'Where a topic has several requests; its first by default.' },
    timeout_ms: { type: 'integer', minimum: MINIMUM_TIMEOUT_MS, maximum: MAXIMUM_TIMEOUT_MS },
  },
}

const ANSWER: Json = {
  type: 'object',
  required: ['payload', 'service'],
  properties: { payload: {}, service: { type: 'string', description: 'Who alone may answer there.' } },
}

const ANSWER_EXAMPLE: Json = { payload: { memories: [], total: 0 }, service: 'memory' }

const FAILURES = problemResponses([400, 401, 403, 404, 409, 413, 415, 429, 500, 503, 504])

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
  '/v1/messages/{topic}': {
    post: {
      tags: ['Live'],
      operationId: 'messages.publish',
      summary: summaryOf('POST', MESSAGES_PATH),
      description:
        'A token needs the permission publish:TOPIC; there is no way without one. Below jamey/ messages of contracts alone, which say how they are sent.',
      parameters: [TOPIC_PARAMETER],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: MESSAGE_BODY, example: { payload: { on: true } } } },
      },
      responses: {
        200: {
          description: 'The message broker has it.',
          content: { 'application/json': { schema: PUBLISHED, example: { accepted: true, reason_code: 0 } } },
        },
        ...FAILURES,
      },
    },
  },
  '/v1/requests/{topic}': {
    post: {
      tags: ['Live'],
      operationId: 'requests.ask',
      summary: summaryOf('POST', REQUESTS_PATH),
      description:
        'For the requests of contracts. A token needs the permission publish:TOPIC; there is no way without one.',
      parameters: [TOPIC_PARAMETER],
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: REQUEST_BODY, example: { payload: { query: 'lisbon' } } },
        },
      },
      responses: {
        200: {
          description: 'The answer.',
          content: { 'application/json': { schema: ANSWER, example: ANSWER_EXAMPLE } },
        },
        ...FAILURES,
      },
    },
  },
}

function summaryOf(method: string, path: string): string {
  return LIVE_ENDPOINTS.find((each) => each.method === method && each.path === path)?.summary ?? ''
}
