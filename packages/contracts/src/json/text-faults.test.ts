import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textFaultIn } from './text-faults.js'

const UNICODE = 'expected text that is Unicode, without half a surrogate pair'

describe('a fault of the text in data', () => {
  it.each([
    ['half a surrogate pair', '{"arguments":{"a":["x","echo \\ud800"]}}', ['arguments', 'a', 1], UNICODE],
    ['its other half', '{"content":"\\udc00 a"}', ['content'], UNICODE],
    ['one in a name', '{"metadata":{"\\ud800":1}}', ['metadata', '\ud800'], UNICODE],
    ['a text alone', '"\\ud800"', [], UNICODE],
    ['a member called __proto__', '{"metadata":{"__proto__":{"a":1}}}', ['metadata', '__proto__'], 'member'],
    ['one further below', '{"a":[{"b":{"\\u005f_proto__":1}}]}', ['a', 0, 'b', '__proto__'], 'member'],
  ])('is found with its place: %s', (_, json, path, expected) => {
    const fault = textFaultIn(JSON.parse(json))
    expect(fault?.path).toEqual(path)
    expect(fault?.expected).toContain(expected)
  })

  it('is found in no data whose text is whole', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (data) => {
        expect(textFaultIn(JSON.parse(JSON.stringify(data).replaceAll('__proto__', 'proto')))).toBe(undefined)
      }),
    )
    expect(textFaultIn({ a: '😀 \ufffd', proto: 1, constructor: 2 })).toBe(undefined)
  })

  it('is found however deep it lies, and however much there is beside it', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}"\\ud800"${']'.repeat(5000)}`)
    expect(textFaultIn(deep)?.path).toHaveLength(5000)
    expect(textFaultIn([...new Array(200_000).fill(1), '\ud800'])?.path).toEqual([200_000])
    expect(textFaultIn(new Array(200_000).fill('a'))).toBe(undefined)
  })

  it('is looked for once in what contains itself, and left to others in what is no JSON', () => {
    const round: Record<string, unknown> = {}
    Object.assign(round, { a: round, b: round })
    expect(textFaultIn(round)).toBe(undefined)
    expect(textFaultIn({ round, text: '\ud800' })?.path).toEqual(['text'])
    expect(textFaultIn(undefined)).toBe(undefined)
    expect(textFaultIn({ a: 1n })).toBe(undefined)
  })
})
