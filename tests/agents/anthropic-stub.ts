import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'

interface Call {
  readonly tool: string
  readonly id: string
  /** JSON text. */
  readonly args: string
}

/** What the scripted model says in one turn: a call of a tool, several at once, or its last words. */
export type Turn = Call | readonly Call[] | { readonly text: string }

/** Anthropic's Messages API on this machine, with a model that says what it is told to. */
export class AnthropicStub {
  /** What the model was shown, as JSON text, one a turn. */
  readonly shown: string[] = []
  readonly #turns: readonly Turn[]
  readonly #server = createServer(async (request, response) => {
    const text = await textOf(request)
    if (request.method !== 'POST' || !request.url?.startsWith('/v1/messages?')) {
      response.writeHead(404).end('{}')
      return
    }
    this.#answer(text, response)
  })

  constructor(turns: readonly Turn[]) {
    this.#turns = turns
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** What has no tools is no turn of the agent: Claude Code asks for titles and the like. */
  #answer(text: string, response: ServerResponse): void {
    const { tools = [] } = JSON.parse(text) as { readonly tools?: readonly unknown[] }
    const turn = tools.length === 0 ? undefined : this.#turns[this.shown.push(text) - 1]
    const said = turn ?? { text: 'done' }
    const send = (type: string, fields: object) =>
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`)
    const message = {
      id: `msg_${this.shown.length}`,
      type: 'message',
      role: 'assistant',
      model: 'scripted',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 1 },
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    send('message_start', { message })
    const blocks = 'text' in said ? [said] : [said].flat()
    for (const [index, block] of blocks.entries()) {
      const [content_block, delta] = 'text' in block ? words(block.text) : toolUse(block)
      send('content_block_start', { index, content_block })
      send('content_block_delta', { index, delta })
      send('content_block_stop', { index })
    }
    const stop_reason = 'text' in said ? 'end_turn' : 'tool_use'
    send('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } })
    send('message_stop', {})
    response.end()
  }
}

function words(text: string): [object, object] {
  return [
    { type: 'text', text: '' },
    { type: 'text_delta', text },
  ]
}

function toolUse({ id, tool, args }: Call): [object, object] {
  return [
    { type: 'tool_use', id, name: tool, input: {} },
    { type: 'input_json_delta', partial_json: args },
  ]
}
