import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Line, LineSplitter, linesOf } from './line-splitter.js'

function split(pieces: readonly string[], maximumBytes = 1_000): Line[] {
  const splitter = new LineSplitter(maximumBytes)
  return pieces.flatMap((piece) => [...splitter.push(Buffer.from(piece))])
}

const texts = (lines: readonly Line[]) =>
  lines.map((line) => (line.kind === 'line' ? line.bytes.toString('utf8') : line))

describe('lines', () => {
  it('are the same however the bytes come', () => {
    const text = '{"a":"\u00e4"}\n\n{"b":2}\r\nrest'
    const bytes = Buffer.from(text)
    for (let size = 1; size <= bytes.length; size++) {
      const splitter = new LineSplitter(1_000)
      const lines: Line[] = []
      for (let i = 0; i < bytes.length; i += size) lines.push(...splitter.push(bytes.subarray(i, i + size)))
      expect(texts(lines)).toEqual(['{"a":"\u00e4"}', '', '{"b":2}\r'])
    }
  })

  it.each([
    ['the identifier first', '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"x":"TEXT"}}'],
    [
      'the identifier last',
      '{"method":"tools/call","params":{"x":"TEXT","id":8,"method":"no"},"jsonrpc":"2.0","id":7}',
    ],
    ['white space and escapes', '{ "params" : [ "TEXT" ] , "i\\u0064" : 7 , "method" : "tools\\/call" }'],
  ])('that are too long are told by what is known of them: %s', (_, form) => {
    const line = form.replace('TEXT', () => JSON.stringify('x,"}\\:"'.repeat(400)).slice(1, -1))
    for (const size of [1, 7, line.length]) {
      const pieces = line.match(new RegExp(`.{1,${size}}`, 'g')) as string[]
      const [found, next] = split([...pieces, '\n{"id":1}\n'])
      expect(found).toEqual({ kind: 'too-long', id: 7, method: 'tools/call', byteLength: line.length })
      expect(next).toMatchObject({ kind: 'line' })
    }
  })

  it('of bytes that are no JSON have no identifier, however many there are', () => {
    const [found] = split(['[{"id":1},', '"'.repeat(5_001), '{}}]]:,:"id":5', '\n'])
    expect(found).toMatchObject({ kind: 'too-long', id: undefined })
  })

  it('end with the stream, and what nobody ended is none', async () => {
    const lines: Line[] = []
    const stream = Readable.from([Buffer.from('a\nb'), Buffer.from('c\nhalf')])
    for await (const line of linesOf(stream, 100)) lines.push(line)
    expect(texts(lines)).toEqual(['a', 'bc'])
  })
})
