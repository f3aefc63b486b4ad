import { filterOf } from '@jamey/contracts'
import { z } from 'zod'
import { DEFAULT_TIMEOUT_MS, MAXIMUM_TIMEOUT_MS, MINIMUM_TIMEOUT_MS } from '../callers/call-headers.js'
import { PROBLEM_STATUSES } from '../problems/problem.js'
import { COMMON, type Endpoint } from './endpoint.js'
import { CALL_ENDPOINTS, OWN_ENDPOINTS, TOKEN_ENDPOINT } from './endpoints.js'
import { EXAMPLES, LINE_EXAMPLE } from './examples.js'
import { LIVE_OPERATIONS, SESSION_COOKIE } from './live-openapi.js'
import { EXPORT_ENDPOINT, IMPORT_ENDPOINT } from './memory-endpoints.js'
import { problemResponses } from './problem-responses.js'

type Json = Record<string, unknown>

/** The failures that any call may end in. */
const CALL_FAILURES = [400, 401, 403, 429, 500, 503, 504] as const

/** The API as an OpenAPI 3.1 document: shapes from the contracts, everything else from the endpoint tables. */
export function openApiDocument(): Json {
  const paths: Record<string, Json> = {}
  const add = (path: string, method: string, operation: Json) => {
    const name = path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{topic}')
    paths[name] = { ...paths[name], [method.toLowerCase()]: operation }
  }
  for (const endpoint of CALL_ENDPOINTS) add(endpoint.path, endpoint.method, callOperation(endpoint))
  add(TOKEN_ENDPOINT.path, TOKEN_ENDPOINT.method, TOKEN_OPERATION)
  for (const [path, operations] of Object.entries(LIVE_OPERATIONS)) {
    for (const [method, operation] of Object.entries(operations)) add(path, method, operation)
  }
  for (const endpoint of OWN_ENDPOINTS) add(endpoint.path, endpoint.method, ownOperation(endpoint))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Jamey',
      version: '1',
      description:
        'Has calls of tools judged, asks people about them, and stores and recalls memories. On the machine itself no token is needed unless the gateway or the operation requires one.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this document.' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { Problem: PROBLEM_SCHEMA },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        session: { type: 'apiKey', in: 'cookie', name: 'jamey-session', description: SESSION_COOKIE },
        client: { type: 'http', scheme: 'basic', description: 'Client id and secret, for tokens alone.' },
      },
    },
    security: [{ bearer: [] }, { session: [] }, {}],
  }
}

const TAGS = {
  Conscience: 'Has calls of tools, and actions in words, judged before they are done.',
  Approvals: 'The calls that people are asked about, and their answers.',
  Memories: 'What the caller stores, finds, changes and forgets.',
  "Others' memories": "The same with anybody's memories, which takes rights of its own.",
  Broker: 'What a broker of ours does; none of another make answers.',
  Tokens: 'What a client proves who it is with.',
  Live: 'Sessions of browsers, and messages as they happen.',
  Gateway: 'What the gateway says of itself.',
} as const

type Tag = keyof typeof TAGS

function tagOf({ operation }: Endpoint): Tag {
  if (operation.startsWith('broker.')) return 'Broker'
  if (operation.startsWith('conscience.approvals.')) return 'Approvals'
  if (operation.startsWith('conscience.')) return 'Conscience'
  return operation.startsWith('memory.others.') ? "Others' memories" : 'Memories'
}

/** Of an endpoint that asks nobody. */
function ownOperation({ path, summary }: (typeof OWN_ENDPOINTS)[number]): Json {
  const failures = problemResponses(OWN_FAILURES[path] ?? [])
  const { description = 'Yes.', ...content } = OWN_ANSWERS[path] ?? {}
  return {
    tags: ['Gateway'],
    operationId: `gateway.${path.replace(/^\/(v1\/)?/, '').replace(/\W+/g, '-') || 'index'}`,
    summary,
    ...(path.includes(':page') ? { parameters: [PAGE_PARAMETER] } : {}),
    security: [],
    responses: { 200: { description, content }, ...failures },
  }
}

const OWN_FAILURES: Readonly<Record<string, readonly number[]>> = {
  '/readyz': [503],
  '/llms.txt': [404],
  '/docs/:page': [404],
}

const PAGE_PARAMETER: Json = {
  name: 'page',
  in: 'path',
  required: true,
  description: 'The name of a page, as /llms.txt has it.',
  schema: { type: 'string' },
  example: 'quick-start.md',
}

const TEXT: Json = { schema: { type: 'string' } }
const statusIs = (status: string): Json => ({
  'application/json': {
    schema: { type: 'object', required: ['status'], properties: { status: { const: status } } },
    example: { status },
  },
})

/** What the endpoints answer that ask nobody: media types, and a description where it is no plain yes. */
const OWN_ANSWERS: Readonly<Record<string, Json>> = {
  '/healthz': statusIs('alive'),
  '/readyz': statusIs('ready'),
  '/v1/jwks': {
    description: 'The keys.',
    'application/jwk-set+json': {
      schema: {
        type: 'object',
        required: ['keys'],
        properties: { keys: { type: 'array', items: { type: 'object' } } },
      },
      example: {
        keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: '1' }],
      },
    },
  },
  '/v1/openapi.json': { description: 'The document.', 'application/json': { schema: { type: 'object' } } },
  '/v1/asyncapi.json': { description: 'The document.', 'application/json': { schema: { type: 'object' } } },
  '/v1/docs': { description: 'The page.', 'text/html': TEXT },
  '/llms.txt': { description: 'The list.', 'text/plain': TEXT },
  '/docs/:page': { description: 'The page.', 'text/markdown': TEXT },
  '/': { description: 'The list.', 'text/plain': TEXT },
}

const TOKEN_FORM: Json = {
  type: 'object',
  required: ['grant_type'],
  properties: {
    grant_type: { const: 'client_credentials' },
    client_id: { type: 'string' },
    client_secret: { type: 'string', format: 'password' },
    scope: { type: 'string', description: 'Permissions of the client, with spaces between; all by default.' },
  },
}

const TOKEN_REQUEST: Json = {
  grant_type: 'client_credentials',
  client_id: 'robot-7',
  client_secret: 'as `jamey client add` printed it',
}

/** [RFC 6749, sections 4.4 and 5] */
const TOKEN_OPERATION: Json = {
  tags: ['Tokens'],
  operationId: 'token',
  summary: TOKEN_ENDPOINT.summary,
  description:
    'The client id and the secret stand in the body or in Authorization: Basic; a client certificate may take their place. 404 where this gateway issues none. Over TLS, or on the machine itself.',
  security: [{ client: [] }, {}],
  requestBody: {
    required: true,
    content: {
      'application/x-www-form-urlencoded': { schema: TOKEN_FORM, example: TOKEN_REQUEST },
      'application/json': { schema: TOKEN_FORM, example: TOKEN_REQUEST },
    },
  },
  responses: {
    200: {
      description: 'The token.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['access_token', 'token_type', 'expires_in', 'scope'],
            properties: {
              access_token: { type: 'string' },
              token_type: { const: 'Bearer' },
              expires_in: { type: 'integer', description: 'Seconds.' },
              scope: { type: 'string' },
            },
          },
          example: {
            access_token: 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl',
            token_type: 'Bearer',
            expires_in: 300,
            scope: 'publish:lab/robot-7/#',
          },
        },
      },
    },
    ...Object.fromEntries([400, 401, 413, 415].map((status) => [status, oauthFailure(status)])),
    ...problemResponses([404, 429, 500, 503]),
  },
}

/** [RFC 6749, section 5.2] */
function oauthFailure(status: number): Json {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return { description: PROBLEM_STATUSES.get(status) ?? 'A problem', content }
}

function callOperation(endpoint: Endpoint): Json {
  const { contract, operation, operationId = operation, summary, readsBody, successes, needsToken } = endpoint
  const answer = answerOf(endpoint)
  const succeeded = successes.map((status) => [
    status,
    {
      description: contract.description,
      ...answer,
      ...(isVersioned(endpoint) ? { headers: ETAG_HEADER } : {}),
    },
  ])
  return {
    tags: [tagOf(endpoint)],
    operationId,
    summary,
    description: `${contract.description} A token needs the permission publish:${filterOf(contract)}.${needsToken ? ' There is no way without one.' : ''}`,
    parameters: parametersOf(endpoint),
    ...(readsBody ? { requestBody: requestBodyOf(endpoint) } : {}),
    responses: { ...Object.fromEntries(succeeded), ...problemResponses(failuresOf(endpoint)) },
  }
}

/** Each line of an export is one memory, and an import is answered by what became of its lines. */
function answerOf(endpoint: Endpoint): Json {
  if (endpoint === EXPORT_ENDPOINT) return { content: LINES }
  const schema =
    endpoint === IMPORT_ENDPOINT ? IMPORT_SUMMARY : schemaOf(endpoint.contract.responseSchema, 'output')
  const example = endpoint === IMPORT_ENDPOINT ? IMPORT_EXAMPLE : outputExampleOf(endpoint)
  return { content: { 'application/json': { schema, example } } }
}

/** What forgets one memory is answered otherwise than what forgets many. */
function outputExampleOf({ operation, readsBody }: Endpoint): Json {
  return operation.endsWith('.forget') && !readsBody ? { forgotten: 1 } : EXAMPLES[operation].output
}

function failuresOf(endpoint: Endpoint): readonly number[] {
  const own = [
    ...(endpoint.readsBody ? [413, 415] : []),
    ...(endpoint.path.includes(':id') ? [404] : []),
    ...(endpoint.takesIfMatch ? [412] : []),
    ...(STORES.test(endpoint.operation) ? [409, 507] : []),
    ...(endpoint.operation.endsWith('.forget') ? [409] : []),
    ...(endpoint.operation.startsWith('conscience.approvals.') && endpoint.needsToken ? [409] : []),
  ]
  return [...CALL_FAILURES, ...own].sort((a, b) => a - b)
}

function parametersOf(endpoint: Endpoint): Json[] {
  const names = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name]) => name)
  const all = endpoint.path.endsWith('*') ? [...names, endpoint.pathField] : names
  const inPath = all.map((name) => ({
    name,
    in: 'path',
    required: true,
    ...(name === 'id' ? { description: 'Percent-encoded: an id may have a `/`, which is `%2F` here.' } : {}),
    schema: { type: 'string' },
    example: EXAMPLES[endpoint.operation].input[endpoint.pathField] ?? EXAMPLES['memory.get'].input['id'],
  }))
  const inQuery = queryParametersOf(endpoint)
  const headers = [
    TIMEOUT_HEADER,
    ...(endpoint.takesIdempotencyKey ? [IDEMPOTENCY_HEADER] : []),
    ...(endpoint.takesIfMatch ? [IF_MATCH_HEADER] : []),
  ]
  return [...inPath, ...inQuery, ...headers]
}

function requestBodyOf(endpoint: Endpoint): Json {
  if (endpoint === IMPORT_ENDPOINT) return { required: true, content: LINES }
  const { [endpoint.pathField]: inPath, ...rest } = EXAMPLES[endpoint.operation].input
  const example =
    inPath === undefined || endpoint.path.includes(':id') ? rest : { [endpoint.pathField]: inPath, ...rest }
  return { required: true, content: { 'application/json': { schema: bodyOf(endpoint), example } } }
}

/** What stands in the path stands nowhere else. */
function bodyOf({ contract, path, pathField }: Endpoint): Json {
  const schema = schemaOf(contract.schema, 'input')
  if (!path.includes(':id')) return schema
  const { [pathField]: _, ...properties } = schema['properties'] as Json
  const required = (schema['required'] as string[]).filter((name) => name !== pathField)
  return { ...schema, properties, required }
}

function queryParametersOf({ contract, parameters }: Endpoint): Json[] {
  const { shape } = contract.schema as z.ZodObject
  return Object.entries(parameters).map(([name, { field = name, description }]) => ({
    name,
    in: 'query',
    description,
    schema: schemaOf(shape[field] as z.ZodType, 'input'),
  }))
}

const TIMEOUT_HEADER: Json = {
  name: 'X-Timeout-Ms',
  in: 'header',
  description: 'How long to wait for the answer.',
  schema: {
    type: 'integer',
    minimum: MINIMUM_TIMEOUT_MS,
    maximum: MAXIMUM_TIMEOUT_MS,
    default: DEFAULT_TIMEOUT_MS,
  },
}

/** Operations that put something into the memory: its id may be taken, and its owner may have no room. */
const STORES = /\.(?:store|store-batch|update|import)$/

const LINES: Json = {
  'application/x-ndjson': {
    schema: { type: 'string', description: 'A memory as `jamey memory export` writes it, one a line.' },
    example: LINE_EXAMPLE,
  },
}

const IMPORT_EXAMPLE: Json = { imported: 1, known: 0, expired: 0, refused: 0, errors: [] }

const IMPORT_SUMMARY: Json = {
  type: 'object',
  required: ['imported', 'known', 'expired', 'refused', 'errors'],
  properties: {
    imported: { type: 'integer' },
    known: { type: 'integer', description: 'These were here already.' },
    expired: { type: 'integer', description: 'The time of these has passed, so they were left out.' },
    refused: { type: 'integer' },
    errors: {
      type: 'array',
      description: 'Why, of the first hundred.',
      items: {
        type: 'object',
        required: ['line', 'code', 'message'],
        properties: { line: { type: 'integer' }, code: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

function isVersioned({ versionOf }: Endpoint): boolean {
  return versionOf !== COMMON.versionOf
}

const ETAG_HEADER: Json = {
  ETag: { description: 'The version of the memory, for If-Match.', schema: { type: 'string' } },
}

const IF_MATCH_HEADER: Json = {
  name: 'If-Match',
  in: 'header',
  description: 'The ETag of the version that is to be changed; another one is answered with 412.',
  schema: { type: 'string' },
}

const IDEMPOTENCY_HEADER: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Calls of one caller with the same key have their effect once. A UUID becomes the id of the memory, for whoever sends it.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const PROBLEM_EXAMPLE: Json = {
  type: 'urn:jamey:problem:invalid-input',
  title: 'The input is not acceptable',
  status: 400,
  detail: 'limit: must be a whole number from 1 to 100; it is "many".',
  field: 'limit',
}

/** [RFC 9457, section 3.1] */
const PROBLEM_SCHEMA: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'The code of the failure, as docs/errors.md has it.' },
    details: { type: 'object', description: 'Its facts for programs, such as a limit and what was found.' },
    field: { type: 'string', description: 'The field, parameter or header that was not acceptable.' },
    permission: { type: 'string', description: 'The permission that was missing.' },
    error: { type: 'string', description: 'As OAuth 2.0 has it, where tokens are issued.' },
    error_description: { type: 'string' },
  },
  examples: [PROBLEM_EXAMPLE],
}

/** OpenAPI 3.1 takes JSON Schema as it is; only the dialect is named once for the whole document. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}
