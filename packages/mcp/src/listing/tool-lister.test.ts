import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { ServerLink } from '../guard/server-link.js'
import { listTools } from './tool-lister.js'

interface Asked {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** A server that answers each message by what is said here; undefined for none. */
function serverOf(answer: (asked: Asked) => object | undefined) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const heard: Asked[] = []
  let read = ''
  input.on('data', (bytes: Buffer) => {
    const lines = (read + String(bytes)).split('\n')
    read = lines.pop() ?? ''
    for (const line of lines) {
      const asked = JSON.parse(line) as Asked
      heard.push(asked)
      const said = answer(asked)
      if (said !== undefined) output.write(`${JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...said })}\n`)
    }
  })
  const end = { isFailure: false, text: 'closed' }
  const link: ServerLink = { input, output, ended: new Promise(() => {}), close: async () => end }
  return { link, heard, output }
}

const TOOLS: Readonly<Record<string, object>> = {
  first: { tools: [{ name: 'a', annotations: { readOnlyHint: true, other: 1 } }, 7], nextCursor: 'second' },
  second: { tools: [{ name: 'b' }] },
}

describe('listing the tools of a server', () => {
  it('shakes hands, and asks for page after page', async () => {
    const { link, heard } = serverOf(({ method, params }) => {
      if (method === 'initialize') return { result: {} }
      return method === 'tools/list' ? { result: TOOLS[String(params?.['cursor'] ?? 'first')] } : undefined
    })
    expect(await listTools(link)).toEqual([
      { name: 'a', annotations: { readOnlyHint: true } },
      { name: 'b', annotations: {} },
    ])
    expect(heard.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
      'tools/list',
    ])
  })

  it('goes on without a handshake where the server knows none', async () => {
    const { link, heard } = serverOf(({ method }) =>
      method === 'initialize' ? { error: { code: -32601, message: 'no' } } : { result: TOOLS['second'] },
    )
    expect(await listTools(link)).toEqual([{ name: 'b', annotations: {} }])
    expect(heard.at(-1)?.params).toHaveProperty('_meta')
  })

  it('answers a server that looks whether somebody is there, and does nothing else for it', async () => {
    const { link, heard, output } = serverOf(({ method, id }) => {
      if (method !== 'initialize') return method === 'tools/list' ? { result: TOOLS['second'] } : undefined
      for (const asked of ['ping', 'sampling/createMessage'])
        output.write(`${JSON.stringify({ jsonrpc: '2.0', id: asked, method: asked })}\n`)
      return { id, result: {} }
    })
    await listTools(link)
    expect(heard.slice(1, 3)).toMatchObject([
      { id: 'ping', result: {} },
      { id: 'sampling/createMessage', error: { code: -32601 } },
    ])
  })

  it('rejects where the server refuses, or ends', async () => {
    const refusing = serverOf(() => ({ error: { code: -32603, message: 'not now' } }))
    await expect(listTools(refusing.link)).rejects.toThrow('not now')
    const ending = serverOf(() => undefined)
    ending.output.end()
    await expect(listTools(ending.link)).rejects.toThrow('ended before')
  })
})
