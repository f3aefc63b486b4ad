import { BROKER_ENDPOINTS } from './broker-endpoints.js'
import { CONSCIENCE_ENDPOINTS } from './conscience-endpoints.js'
import type { Endpoint } from './endpoint.js'
import { EVENTS_PATH, LIVE_ENDPOINTS } from './live-endpoints.js'
import { ARCHIVE_ENDPOINTS, MEMORY_ENDPOINTS } from './memory-endpoints.js'

/** What is asked and answered as a whole. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...CONSCIENCE_ENDPOINTS,
  ...MEMORY_ENDPOINTS,
  ...BROKER_ENDPOINTS,
]

/** Every operation that can be called, also those whose bodies are lines that come or go one after the other. */
export const CALL_ENDPOINTS: readonly Endpoint[] = [...ENDPOINTS, ...ARCHIVE_ENDPOINTS]

/** Where clients get their tokens. [RFC 6749, section 3.2] */
export const TOKEN_ENDPOINT = {
  method: 'POST',
  path: '/v1/token',
  summary: "A token for a client's secret or certificate (OAuth 2.0, client credentials).",
} as const

/** The endpoints that say something about the gateway itself and ask nobody. */
export const OWN_ENDPOINTS = [
  { method: 'GET', path: '/healthz', summary: 'Whether the process is alive.' },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether calls can be answered; 503 with the reason otherwise.',
  },
  { method: 'GET', path: '/v1/jwks', summary: 'The keys that verify receipts, as a JWK Set.' },
  { method: 'GET', path: '/v1/openapi.json', summary: 'This API as an OpenAPI 3.1 document.' },
  { method: 'GET', path: '/v1/docs', summary: 'This API as a page to read.' },
  {
    method: 'GET',
    path: '/v1/asyncapi.json',
    summary: 'The messages behind it as an AsyncAPI 3.0 document.',
  },
  { method: 'GET', path: '/llms.txt', summary: 'The documents, listed for programs.' },
  { method: 'GET', path: '/docs/:page', summary: 'One of these documents as Markdown.' },
  { method: 'GET', path: '/', summary: 'This list.' },
] as const

const LISTED = [...CALL_ENDPOINTS, TOKEN_ENDPOINT, ...LIVE_ENDPOINTS, ...OWN_ENDPOINTS]

/** The methods that exist at a path, for the Allow header; empty where nothing exists. */
export function methodsAt(path: string): readonly string[] {
  const methods = LISTED.filter((endpoint) => fits(endpoint.path, path)).flatMap(({ method }) =>
    method === 'GET' && path !== EVENTS_PATH ? ['GET', 'HEAD'] : [method],
  )
  return [...new Set(methods)]
}

/** `GET /`: every endpoint on a line of its own. */
export function endpointIndex(): string {
  const lines = LISTED.map(({ method, path, summary }) => `${method.padEnd(7)} ${path.padEnd(34)} ${summary}`)
  return `Jamey's HTTP API\n\n${lines.join('\n')}\n`
}

function fits(pattern: string, path: string): boolean {
  const isOpen = pattern.endsWith('/*')
  const expected = (isOpen ? pattern.slice(0, -2) : pattern).split('/')
  const levels = path.split('/')
  const found = isOpen && levels.length > expected.length ? levels.slice(0, expected.length) : levels
  if (isOpen && levels.length <= expected.length) return false
  return (
    expected.length === found.length &&
    expected.every((level, i) => (level.startsWith(':') ? found[i] !== '' : level === found[i]))
  )
}
