import { describe, expect, it } from 'vitest'
import { inexactIn, inexactTokenIn } from './exact-json.js'

const checks = [
  ['by its tokens', inexactTokenIn],
  [
    'by what was read of it',
    (text: string, numbersBelow?: string) => inexactIn(text, JSON.parse(text), numbersBelow),
  ],
] as const

describe.each(checks)('JSON that is to be read in one way, %s,', (_, faultOf) => {
  it.each([
    '{"a":[1,-0,0.1,1e21,100000000000000000000,9007199254740991],"b":{"a":1},"c":[{"a":1},{"a":2}]}',
    '{"text":"{\\"a\\":1e400,\\"a\\":2} \\\\","\\u0061":true,"b":null,"":0e5}',
    '[[],{},"",[[1,2],3]]',
    '{"10":1,"9":2,"__proto__":{"a":1}}',
    '{ "a": 1.0, "b" : [ 1, 2 ] }',
    '"text"',
    '5',
  ])('is taken as it is: %s', (text) => {
    expect(faultOf(text)).toBe(undefined)
  })

  it.each([
    ['{"a":1,"b":2,"a":1}', ['a']],
    ['{"a":1,"\\u0061":2}', ['a']],
    ['{"list":[0,{"x":1},{"x":{"y":"a","y":"b"}}]}', ['list', 2, 'x', 'y']],
    ['{"a":1e400}', ['a']],
    ['{"a":[0,-1e999]}', ['a', 1]],
    ['{"a":9007199254740993}', ['a']],
    ['{"a":-100000000000000000001}', ['a']],
    ['{"a":1e-400}', ['a']],
    ['1e400', []],
  ])('is at fault where JSON.parse would make something else of it: %s', (text, path) => {
    expect(faultOf(text)).toEqual({ path, expected: expect.stringMatching(/^must (not )?be /) })
  })

  it('may have any numbers outside of the member in which they count', () => {
    expect(faultOf('{"a":9007199254740993,"b":{"c":1}}', 'b')).toBe(undefined)
    expect(faultOf('{"a":1,"b":{"c":9007199254740993}}', 'b')?.path).toEqual(['b', 'c'])
    expect(faultOf('{"a":{"c":1,"c":2}}', 'b')?.path).toEqual(['a', 'c'])
  })

  it('is read in a time that grows with it alone', () => {
    const long = `"${'\\"'.repeat(500_000)}"`
    expect(faultOf(`[${long},${'['.repeat(5000)}${']'.repeat(5000)}]`)).toBe(undefined)
  })
})
