import { describe, expect, it } from 'vitest'
import { assertExact, assertExactTokens } from './exact-json.js'

const checks = [
  ['by its tokens', assertExactTokens],
  ['by what was read of it', (topic: string, text: string) => assertExact(topic, text, JSON.parse(text))],
] as const

const data = (text: string) => `{"metadata":{"n":9007199254740993},"payload":{"action":"a","data":${text}}}`

describe.each(checks)('JSON that a digest is made of, %s,', (_, assertThat) => {
  it.each([
    '{"a":[1,-0,0.1,1e21,100000000000000000000,9007199254740991],"b":{"a":1},"c":[{"a":1},{"a":2}]}',
    '{"text":"{\\"a\\":1e400,\\"a\\":2} \\\\","\\u0061":true,"b":null,"":0e5}',
    '[[],{},"",[[1,2],3]]',
    '{"10":1,"9":2,"__proto__":{"a":1}}',
    '{ "a": 1.0, "b" : [ 1, 2 ] }',
  ])('is taken as it is: %s', (text) => {
    expect(() => assertThat('t', data(text))).not.toThrow()
  })

  it.each([
    ['{"a":1,"b":2,"a":1}', 'payload.data.a'],
    ['{"a":1,"\\u0061":2}', 'payload.data.a'],
    ['{"list":[0,{"x":1},{"x":{"y":"a","y":"b"}}]}', 'payload.data.list[2].x.y'],
    ['{"a":1e400}', 'payload.data.a'],
    ['{"a":[0,-1e999]}', 'payload.data.a[1]'],
    ['{"a":9007199254740993}', 'payload.data.a'],
    ['{"a":-100000000000000000001}', 'payload.data.a'],
    ['{"a":1e-400}', 'payload.data.a'],
  ])('is refused where JSON.parse would make something else of it: %s', (text, field) => {
    expect(() => assertThat('t', data(text))).toThrow(
      expect.objectContaining({ name: 'MessageError', field }),
    )
  })

  it('is refused where the envelope has its payload twice', () => {
    const text = '{"payload":{"action":"a"},"payload":{"action":"b"}}'
    expect(() => assertThat('t', text)).toThrow(expect.objectContaining({ field: 'payload' }))
  })

  it('is read in a time that grows with it alone', () => {
    const long = `"${'\\"'.repeat(500_000)}"`
    expect(() => assertThat('t', data(`[${long},${'['.repeat(5000)}${']'.repeat(5000)}]`))).not.toThrow()
  })
})
