import { createHash } from 'node:crypto'
import { DEFAULT_TIMEOUT_MS } from '../callers/call-headers.js'
import { openApiDocument } from './openapi.js'

type Schema = Readonly<Record<string, unknown>>

interface Content {
  readonly schema: Schema
  readonly example?: unknown
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly description?: string
  readonly required?: boolean
  readonly schema: Schema
}

interface Operation {
  readonly tags: readonly string[]
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >
}

interface Document {
  readonly info: { readonly title: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** One operation with where it is. */
interface Placed extends Operation {
  readonly method: string
  readonly path: string
}

/** Where an example stands, so that it stands there alone. */
type Shown = Map<string, string>

/** Every call takes it, so that it is told once. */
const TIMEOUT = 'X-Timeout-Ms'

const STYLE = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
code,pre{font:.875em/1.4 ui-monospace,monospace}
pre{overflow-x:auto;padding:.75rem;border:1px solid #8886;border-radius:.25rem;overflow-wrap:normal}
table{border-collapse:collapse;display:block;overflow-x:auto;overflow-wrap:normal}td:last-child{overflow-wrap:anywhere;min-width:10rem}td,th{text-align:start;vertical-align:top;padding:.25rem .5rem;border-top:1px solid #8884}
section{border-top:1px solid #8886;margin-top:1.5rem}h3{margin:1rem 0 .25rem}
nav li{margin:.15rem 0}nav ul{padding-inline-start:1rem;list-style:none}a{color:LinkText}`

/** The page has no script, and nothing that comes from elsewhere. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The OpenAPI document as one page of HTML. */
export function openApiPage(): string {
  const { info, tags, paths } = openApiDocument() as unknown as Document
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )
  const groups = tags.map(({ name, description }) => ({
    name,
    description,
    of: operations.filter((operation) => operation.tags.includes(name)),
  }))
  const contents = groups.map(({ name, of }) => `<li>${text(name)}<ul>${of.map(link).join('')}</ul></li>`)
  const shown: Shown = new Map()
  const sections = groups.map(
    ({ name, description, of }) =>
      `<h2>${text(name)}</h2><p>${text(description)}</p>${of.map((one) => section(one, shown)).join('\n')}`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${text(info.title)}: HTTP API</title><style>${STYLE}</style></head><body>
<h1>${text(info.title)}: HTTP API</h1><p>${text(info.description)}</p>
<p>The same for programs: <a href="/v1/openapi.json">OpenAPI 3.1</a>. The messages behind it: <a href="/v1/asyncapi.json">AsyncAPI 3.0</a>.</p>
<p>A call waits for its answer as long as the header <code>${TIMEOUT}</code> says, ${DEFAULT_TIMEOUT_MS} unless given.</p>
<nav><ul>${contents.join('')}</ul></nav>
${sections.join('\n')}
${failureTable(operations)}
</body></html>
`
}

function link({ operationId, method, path, summary }: Placed): string {
  return `<li><a href="#${text(operationId)}"><code>${method} ${text(path)}</code></a> ${text(summary)}</li>`
}

function section(operation: Placed, shown: Shown): string {
  const { operationId, method, path, summary, description } = operation
  return `<section id="${text(operationId)}"><h3><code>${method} ${text(path)}</code></h3><p>${text(summary)}</p>
${description === undefined ? '' : `<p>${text(description)}</p>`}${parameterTable(operation)}${bodyOf(operation, shown)}${answers(operation, shown)}</section>`
}

function parameterTable({ parameters = [] }: Placed): string {
  const own = parameters.filter(({ name }) => name !== TIMEOUT)
  if (own.length === 0) return ''
  const rows = own.map(({ name, in: place, description = '', required, schema }) =>
    row(name, `${place}${required === true ? ', required' : ''}`, typeOf(schema), description),
  )
  return `<table><tr><th>Parameter</th><th>in</th><th>type</th><th></th></tr>${rows.join('')}</table>`
}

function bodyOf({ requestBody, operationId }: Placed, shown: Shown): string {
  const entries = Object.entries(requestBody?.content ?? {})
  return entries
    .map(([type, { schema, example }], i) => {
      // The forms of one body differ by their type alone.
      const known = i === 0 ? `${fieldTable(schema)}${exampleOf(example, operationId, shown)}` : ''
      return `<p>Body: <code>${text(type)}</code></p>${known}`
    })
    .join('')
}

function fieldTable(schema: Schema): string {
  const shapes = (schema['anyOf'] ?? schema['oneOf'] ?? [schema]) as readonly Schema[]
  return shapes
    .map(({ properties, required = [] }) => {
      const rows = Object.entries((properties ?? {}) as Record<string, Schema>).map(([name, field]) => {
        const isRequired = (required as readonly string[]).includes(name)
        return row(name, isRequired ? 'required' : '', typeOf(field), String(field['description'] ?? ''))
      })
      return rows.length === 0
        ? ''
        : `<table><tr><th>Field</th><th></th><th>type</th><th></th></tr>${rows.join('')}</table>`
    })
    .join('<p>or</p>')
}

function answers({ responses, operationId }: Placed, shown: Shown): string {
  const all = Object.entries(responses)
  const good = all.filter(([status]) => status.startsWith('2'))
  const bad = all.filter(([status]) => !status.startsWith('2'))
  const content = Object.entries(good[0]?.[1].content ?? {})
  const examples = content.map(
    ([type, { example }]) => `<p><code>${text(type)}</code></p>${exampleOf(example, operationId, shown)}`,
  )
  const failures = bad.map(([status]) => status).join(', ')
  return `<p>Answers ${good.map(([status]) => status).join(' or ')}.</p>${examples.join('')}${failures === '' ? '' : `<p>Fails with <a href="#failures">${failures}</a>.</p>`}`
}

/** What the statuses of failures mean, for all operations at once. */
function failureTable(operations: readonly Placed[]): string {
  const meanings = new Map(
    operations.flatMap(({ responses }) =>
      Object.entries(responses).map(([status, { description }]) => [status, description] as const),
    ),
  )
  const rows = [...meanings]
    .filter(([status]) => !status.startsWith('2'))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([status, meaning]) => `<tr><td>${status}</td><td>${text(meaning)}</td></tr>`)
  return `<h2 id="failures">Failures</h2><table>${rows.join('')}</table>`
}

function exampleOf(example: unknown, operationId: string, shown: Shown): string {
  if (example === undefined) return ''
  const words = typeof example === 'string' ? example : JSON.stringify(example, null, 1)
  const where = shown.get(words)
  if (where !== undefined) return `<p>As in <a href="#${text(where)}">${text(where)}</a>.</p>`
  shown.set(words, operationId)
  return `<pre>${text(words)}</pre>`
}

function row(name: string, about: string, type: string, description: string): string {
  return `<tr><td><code>${text(name)}</code></td><td>${text(about)}</td><td>${text(type)}</td><td>${text(description)}</td></tr>`
}

/** The type of a value in a few words: `integer, 1 to 100, 10 by default`. */
function typeOf(schema: Schema): string {
  const { type, enum: values, const: value, anyOf, items, minimum, maximum, maxLength } = schema
  const words: string[] = []
  if (Array.isArray(anyOf)) words.push((anyOf as Schema[]).map(typeOf).join(' or '))
  else if (Array.isArray(values)) words.push(values.join(', '))
  else if (value !== undefined) words.push(JSON.stringify(value))
  else if (type === 'array') words.push(`list of ${typeOf((items ?? {}) as Schema)}`)
  else words.push(String(schema['format'] ?? type ?? 'anything'))
  if (minimum !== undefined && Number(maximum) < Number.MAX_SAFE_INTEGER)
    words.push(`${minimum} to ${maximum}`)
  if (maxLength !== undefined) words.push(`at most ${maxLength} characters`)
  if (schema['default'] !== undefined) words.push(`${JSON.stringify(schema['default'])} by default`)
  return words.join(', ')
}

/** Between tags quotes are no signs; in attributes there are identifiers alone, which have none. */
function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
