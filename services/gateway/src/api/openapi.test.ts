import { isRequestContract, OPERATIONS, type OperationName } from '@jamey/contracts'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { CALL_ENDPOINTS } from './endpoints.js'
import { EXAMPLES } from './examples.js'
import { openApiDocument } from './openapi.js'
import { openApiPage } from './openapi-page.js'

interface Content {
  readonly schema: object
  readonly example?: unknown
}

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly requestBody?: { readonly content: Record<string, Content> }
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, Content> }
  >
}

const document = openApiDocument()
const operations = Object.values(document['paths'] as Record<string, Record<string, Operation>>).flatMap(
  (path) => Object.values(path),
)
/** Of success alone: what a problem looks like is one shape for all. */
const contents = operations.flatMap(({ operationId, requestBody, responses }) => [
  ...Object.entries(requestBody?.content ?? {}).map(
    (content) => [`the body of ${operationId}`, ...content] as const,
  ),
  ...Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([status, { content = {} }]) =>
      Object.entries(content).map((one) => [`${status} of ${operationId}`, ...one] as const),
    ),
])

const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    // It is changed by the validator.
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    const broken = { ...structuredClone(document), info: { title: 'Jamey' } }
    expect((await new Validator().validate(broken)).valid).toBe(false)
  })

  it('names every operation once, under a tag that it explains', () => {
    const ids = operations.map(({ operationId }) => operationId)
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
    const tags = (document['tags'] as { name: string }[]).map(({ name }) => name)
    expect(new Set(operations.flatMap((operation) => operation.tags))).toEqual(new Set(tags))
    expect(operations.length).toBeGreaterThan(CALL_ENDPOINTS.length)
  })

  it.each(contents.filter(([what]) => !/ of gateway\.(index|docs|llms|\w+-json)/.test(what)))(
    'has an example of %s (%s) that its schema takes',
    (_, _type, { schema, example }) => {
      const takes = ajv.compile(schema)
      takes(example)
      expect(takes.errors).toBeNull()
      expect(example).toBeDefined()
    },
  )

  it.each(Object.keys(OPERATIONS) as OperationName[])(
    'shows of %s what the contract takes, with no field too many',
    (name) => {
      const contract = OPERATIONS[name]
      const { input, output } = EXAMPLES[name]
      expect(contract.schema.safeParse(input).error).toBeUndefined()
      expect(isRequestContract(contract) && contract.responseSchema.parse(output)).toEqual(output)
    },
  )
})

describe('the page of the API', () => {
  const page = openApiPage()

  it('has every operation, and links to each', () => {
    for (const { operationId, summary } of operations) {
      expect(operationId).toMatch(/^[\w.-]+$/)
      expect(page).toContain(`<section id="${operationId}">`)
      expect(page).toContain(`<a href="#${operationId}">`)
      expect(page).toContain(summary)
    }
  })

  it('is small, and takes nothing from elsewhere', () => {
    expect(Buffer.byteLength(page)).toBeLessThan(100_000)
    expect([...page.matchAll(/(?:src|href)="(?!#|\/v1\/)([^"]*)"|<script|style="/g)]).toEqual([])
  })
})
