import { describe, expect, it } from 'vitest'
import { jsonObjectOf } from './json-object.js'

describe('the JSON of an option', () => {
  it('is an object', () => {
    expect(jsonObjectOf('--context', '{"consent": false}')).toEqual({ consent: false })
  })

  it.each(['', '{', '[]', 'null', '1', '"x"'])('is refused where it is none: %j', (text) => {
    const found = JSON.stringify(text)
    expect(() => jsonObjectOf('--user', text)).toThrow(`--user: expected a JSON object, found ${found}`)
  })

  it.each([
    ['{"a":1,"a":2}', '--metadata: a must not be there twice'],
    ['{"b":{"a":1e400}}', '--metadata: b.a must be a number that a double holds'],
  ])('is refused where it could be read in two ways: %s', (text, message) => {
    expect(() => jsonObjectOf('--metadata', text)).toThrow(message)
  })
})
