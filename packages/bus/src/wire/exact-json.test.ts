import { describe, expect, it } from 'vitest'
import { assertExact } from './exact-json.js'

const assertThat = (text: string) => assertExact('t', text, JSON.parse(text))
const envelope = (data: string) =>
  `{"metadata":{"n":9007199254740993},"payload":{"action":"a","data":${data}}}`

describe('An envelope that a digest is made of', () => {
  it('may have any numbers beside its payload', () => {
    expect(() => assertThat(envelope('{"a":1}'))).not.toThrow()
  })

  it.each([
    [envelope('{"a":1,"b":2,"a":1}'), 'payload.data.a'],
    [envelope('{"list":[0,{"x":1},{"x":{"y":"a","y":"b"}}]}'), 'payload.data.list[2].x.y'],
    [envelope('{"a":[0,-1e999]}'), 'payload.data.a[1]'],
    ['{"payload":{"action":"a"},"payload":{"action":"b"}}', 'payload'],
  ])('is refused with the field where it can be read in two ways: %s', (text, field) => {
    expect(() => assertThat(text)).toThrow(expect.objectContaining({ name: 'MessageError', field }))
  })
})
