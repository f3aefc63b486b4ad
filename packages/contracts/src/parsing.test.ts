import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Contract, isRequestContract } from './contract.js'
import { isoTime } from './fields.js'
import { quickParse } from './parsing.js'
import { CONTRACTS, topics } from './topics.js'

const NOW = '2026-03-01T08:00:00.000Z'

const memory = {
  id: 'm1',
  content: 'The key lies under the mat.',
  layer: 'semantic',
  tags: ['key'],
  importance: 0.5,
  created_at: NOW,
  occurred_at: NOW,
  expires_at: null,
  owner: 'agent',
  scope: 'group:family',
  source: 'agent',
  metadata: { from: 'a note', of: { three: [1, 2, 3] } },
  trusted: true,
  version: 1,
  updated_at: NOW,
  count: 1,
  last_stored_at: NOW,
  content_hash: 'f'.repeat(64),
  provenance: { stored_by: 'agent' },
}

const listed = z.object({
  kind: z.enum(['a', 'b']).default('a'),
  of: z.array(z.union([z.string().min(2), z.number().max(9).multipleOf(3), z.literal([true, null])])).max(3),
  by: z.record(z.string().regex(/^[a-z]+$/), z.int().positive().optional()).optional(),
  at: isoTime.nullable().optional(),
})
const SCHEMAS = {
  listed,
  strict: listed.strict().refine(({ of, by }) => of.length > 0 || by !== undefined),
  loose: z.looseObject({ trimmed: z.string().trim(), is: z.boolean() }),
  other: z.object({ is: z.unknown(), of: listed.optional() }).catchall(z.number()),
  told: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), of: z.string() }),
    z.strictObject({ kind: z.enum(['b', 'c']), of: z.number().optional() }),
  ]),
  either: z.union([z.object({ is: z.boolean() }), z.looseObject({ of: z.string().default('x') })]),
  nested: z.object({
    get of() {
      return z.array(SCHEMAS.nested).optional()
    },
  }) as z.ZodType,
}

/** What is often nearly right: names and values that the schemas above know. */
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(
      'a',
      'b',
      'c',
      'key',
      ' x ',
      NOW,
      true,
      null,
      undefined,
      0,
      1,
      3,
      9,
      10,
      1.5,
      Number.NaN,
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.constantFrom('kind', 'of', 'by', 'at', 'is', 'trimmed', 'more', '__proto__'),
      tie('value'),
    ),
  ),
}))

/** `whole` with another value, or none, at some place. */
function broken(whole: unknown): fc.Arbitrary<unknown> {
  if (typeof whole !== 'object' || whole === null) return fc.oneof(fc.constant(whole), anything)
  const names = Object.keys(whole)
  return fc.constantFrom(...names, 'more').chain((name) =>
    fc.oneof(
      anything.map((value) => ({ ...whole, [name]: value })),
      fc.constant(Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name))),
    ),
  )
}

function expectAsZod(schema: z.ZodType, value: unknown): void {
  const [found, expected] = [quickParse(schema, value), schema.safeParse(value)]
  expect(found.success).toBe(expected.success)
  expect(found.data).toEqual(expected.data)
  expect(found.error?.issues).toEqual(expected.error?.issues)
}

describe('quickParse', () => {
  it.each(Object.entries(SCHEMAS))('gives what zod gives: %s', (_, schema) => {
    fc.assert(
      fc.property(anything, (value) => expectAsZod(schema, value)),
      { numRuns: 500 },
    )
  })

  it('gives what zod gives for what is nearly a memory', () => {
    const { schema, responseSchema } = topics.memory.store
    fc.assert(
      fc.property(broken(memory), fc.boolean(), (found, created) => {
        expectAsZod(schema, found)
        expectAsZod(responseSchema, { memory: found, created })
      }),
    )
  })

  it('gives what zod gives for every contract', () => {
    const schemas = CONTRACTS.flatMap((one: Contract) =>
      isRequestContract(one) ? [one.schema, one.responseSchema] : [one.schema],
    )
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.jsonValue(), (schema, value) => {
        expectAsZod(schema, value)
      }),
    )
  })

  it('gives what zod gives for arrays that leave something out', () => {
    for (const value of [new Array(3), [undefined, 'ab'], Object.assign([], { 1: 'ab' })])
      for (const of of [z.array(z.string()), z.array(z.string().optional()), z.array(z.boolean()).min(1)])
        expectAsZod(z.object({ of }), { of: value })
  })

  it('gives the very object that it was given where nothing is to be changed', () => {
    const stored = { memory, created: true }
    expect(quickParse(topics.memory.store.responseSchema, stored).data).toBe(stored)
    const call = { operation: 'memory.store', input: { content: 'x' } }
    expect(quickParse(topics.api.requests.schema, call).data).toBe(call)
  })

  it('leaves out what a schema does not know', () => {
    const schema = z.object({ a: z.string() })
    expect(quickParse(schema, { a: 'x', b: 1 }).data).toEqual({ a: 'x' })
    class Named {
      readonly a = 'x'
      toJSON(): string {
        return 'something else'
      }
    }
    expect(JSON.stringify(quickParse(schema, new Named()).data)).toBe('{"a":"x"}')
  })

  it('throws for a schema that waits, as zod does', () => {
    const schema = z.string().refine(async () => true)
    expect(() => quickParse(schema, 'x')).toThrow(z.core.$ZodAsyncError)
  })
})
