import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { describe, expect, it } from 'vitest'
import { callDigest } from './digest.js'

const nested = (depth: number): Record<string, unknown> =>
  depth === 0 ? { b: 1, a: 2 } : { x: nested(depth - 1) }

describe('the digest of a call', () => {
  it.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    ['one argument', { command: 'git status' }],
    ['names in order', { a: 1, b: [true, null, 'x', 1.5e300, -0], c: { d: '', e: {} } }],
    ['names out of order', { b: 1, a: 2 }],
    ['names out of order in a list', { a: [{ z: 1, b: 2 }] }],
    ['names that are numbers', { 10: 'a', 9: 'b', x: 1 }],
    ['names in the order of their UTF-16, not of their letters', { '\u{1F600}': 1, '\uFB33': 2, é: 3, Z: 4 }],
    ['a name that JSON means something by', JSON.parse('{"__proto__": 1, "a": {"toJSON": "x", "b": 1}}')],
    ['what has to be escaped', { a: '"\\\u0000\n\u2028\u{1F600}' }],
    ['a member that is not there', { a: undefined, b: 1 }],
    ['something deep', nested(5)],
    ['something deeper', nested(12)],
    ['a time', { b: new Date(0), a: 1 }],
  ])('is that of canonical JSON, with %s', (_, args) => {
    const text = canonicalize({ tool: 't', arguments: args }) ?? ''
    expect(callDigest({ tool: 't', arguments: args })).toBe(
      `sha256:${createHash('sha256').update(text).digest('hex')}`,
    )
  })

  it('is another one in another folder', () => {
    const call = { tool: 't', arguments: { a: 1 } }
    const text = '{"arguments":{"a":1},"cwd":"/a","tool":"t"}'
    const expected = `sha256:${createHash('sha256').update(text).digest('hex')}`
    expect(callDigest({ ...call, cwd: '/a' })).toBe(expected)
    expect(callDigest({ ...call, cwd: '/b' })).not.toBe(expected)
    expect(callDigest({ ...call, cwd: undefined })).toBe(callDigest(call))
  })

  it.each<[string, Record<string, unknown>]>([
    ['half a surrogate pair', { a: '\uD800' }],
    ['half a surrogate pair in a name', { '\uD800': 1 }],
    ['no number', { a: [Number.NaN] }],
    ['no finite number', { a: { b: Number.POSITIVE_INFINITY } }],
  ])('is none where there is %s', (_, args) => {
    expect(() => callDigest({ tool: 't', arguments: args })).toThrow()
  })
})
