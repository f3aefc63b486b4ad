import { describe, expect, it } from 'vitest'
import { readContent } from './message.js'

const read = (text: string | Uint8Array) => readContent(Buffer.from(text))
const reasonOf = (text: string | Uint8Array) => {
  const content = read(text)
  return content.kind === 'unreadable' ? content.reason : content.kind
}

describe('a message', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}', { kind: 'request', id: 1, method: 'ping' }],
    ['{"id":"a","method":"tools\\/call","params":{}}\r', { kind: 'request', id: 'a', method: 'tools/call' }],
    ['{"method":"notifications/x"}', { kind: 'notification', method: 'notifications/x' }],
    ['{"id":1,"result":{"a":[1,{"b":2}]}}', { kind: 'response', id: 1, result: { a: [1, { b: 2 }] } }],
    ['{"id":null,"error":{"code":-32700}}', { kind: 'response', id: null }],
    [
      '[{"method":"x"},{"id":2,"method":"y"}]',
      { kind: 'batch', messages: [{ kind: 'notification' }, { id: 2 }] },
    ],
    ['  \r', { kind: 'empty' }],
  ])('%s is read', (text, expected) => {
    expect(read(text)).toMatchObject(expected)
  })

  it.each([
    ['{"id":1,', 'it is not JSON'],
    ['{"id":1,"method":"x"} {"id":2}', 'it is not JSON'],
    ['{"id":NaN,"method":"x"}', 'it is not JSON'],
    ['\ufeff{"id":1,"method":"x"}', 'it is not JSON'],
    [Buffer.from([0x22, 0xff, 0x22]), 'it is not UTF-8'],
    ['7', 'it is a number, not an object'],
    ['[]', 'the batch is empty'],
    ['[[]]', 'it is a list, not an object'],
    ['{"id":1}', 'it has neither method, result nor error'],
    ['{"id":null,"method":"x"}', 'its id is null, not a string or a number'],
    ['{"id":{},"result":1}', 'its id is an object, not a string or a number'],
    ['{"id":1,"method":"x","result":{}}', 'it is a request and an answer at once'],
    ['{"method":["tools/call"]}', 'its method is a list, not a string'],
  ])('%s is none', (text, reason) => {
    expect(reasonOf(text)).toBe(reason)
  })

  it.each([
    ['{"id":1,"method":"ping","method":"tools/call"}', 'one takes the first, another the last'],
    [
      '{"id":1,"method":"tools/call","params":{"name":"a","n\\u0061me":"b"}}',
      'the same name, written otherwise',
    ],
    ['{"id":1,"method":"x","params":{"a":[{"b":{"c":1,"c":1}}]}}', 'however deep'],
  ])('with two members of one name is none: %s (%s)', (text) => {
    expect(reasonOf(text)).toBe('an object has two members of one name')
  })

  it('within whose line a carriage return stands is none: some take it for the end of the line', () => {
    const call = '{"id":1,"method":"tools/call","params":{"name":"x"}}'
    expect(reasonOf(`{"method":"x","params":\r${call}\r}`)).toBe('a carriage return stands within the line')
  })

  it('with a member named __proto__ is none', () => {
    expect(reasonOf('{"id":1,"method":"x","params":{"__proto__":{"a":1}}}')).toBe(
      'a member is named __proto__',
    )
  })

  it('may be nested as deep as it likes', () => {
    const deep = `{"id":1,"method":"x","params":${'[{"a":'.repeat(10_000)}1${'}]'.repeat(10_000)}}`
    expect(read(deep)).toMatchObject({ kind: 'request', id: 1 })
  })

  it.each([
    ['9007199254740991', true],
    ['9007199254740993', false],
    ['12345678901234567000', true],
    ['-9223372036854775808', true],
    ['1e400', false],
    ['0.1', true],
    ['3.141592653589793', true],
    ['3.14159265358979323846', false],
    [`1${'0'.repeat(2_000)}`, false],
  ])('of the number %s says whether it is exact: %s', (number, isExact) => {
    const content = read(`{"id":1,"method":"x","params":{"text":"9007199254740993","n":[${number}]}}`)
    expect(content).toMatchObject({ isExact })
  })
})
