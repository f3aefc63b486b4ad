import { MAXIMUM_LINE_BYTES } from '../guard/mcp-guard.js'
import { CLIENT_CAPABILITIES, METHODS, PROTOCOL_VERSION, toolsIn } from '../guard/protocol.js'
import type { ServerLink } from '../guard/server-link.js'
import { hintsOf } from '../guard/tool-list.js'
import { linesOf } from '../lines/line-splitter.js'
import { LineWriter } from '../lines/line-writer.js'
import { isObject, type JsonObject, type Message, readContent } from '../lines/message.js'

/** A tool as its server lists it. */
export interface ListedTool {
  readonly name: string
  readonly annotations: ReturnType<typeof hintsOf>
}

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'jamey', version: '1' },
}
/** The `_meta` of every request in versions without a handshake. */
const WITHOUT_HANDSHAKE = {
  [PROTOCOL_VERSION]: '2026-07-28',
  [CLIENT_CAPABILITIES]: {},
}
const MOST_PAGES = 100

/**
 * The tools of a server with its hints, all pages of them. Rejects where it ends before, or answers with an error. It
 * is not closed, and takes as long as it takes: whoever asks closes it, which ends the waiting.
 */
export async function listTools(server: ServerLink): Promise<ListedTool[]> {
  const question = new ListQuestion(new LineWriter(server.input))
  await question.begin()
  for await (const line of linesOf(server.output, MAXIMUM_LINE_BYTES)) {
    const content = line.kind === 'line' ? readContent(line.bytes) : undefined
    if (content?.kind === 'response' && (await question.answer(content))) return question.tools
    if (content?.kind === 'request') await question.decline(content)
  }
  throw new Error('the server ended before it had listed its tools')
}

/** One conversation: a handshake where the server knows one, then page after page. */
class ListQuestion {
  readonly tools: ListedTool[] = []
  readonly #server: LineWriter
  #id = 0
  #meta: JsonObject = {}

  constructor(server: LineWriter) {
    this.#server = server
  }

  begin(): Promise<void> {
    return this.#ask(METHODS.initialize, INITIALIZE)
  }

  /** True once all is told. */
  async answer({ id, result, value }: Extract<Message, { kind: 'response' }>): Promise<boolean> {
    if (id !== this.#id) return false
    const hasFailed = Object.hasOwn(value, 'error')
    if (id === 1) {
      if (hasFailed) this.#meta = { _meta: WITHOUT_HANDSHAKE }
      else await this.#tell({ method: METHODS.initialized })
      await this.#ask(METHODS.listTools, this.#meta)
      return false
    }
    if (hasFailed)
      throw new Error(`the server lists no tools: ${JSON.stringify(value['error']).slice(0, 300)}`)
    for (const { name, annotations } of toolsIn(result)) {
      this.tools.push({ name, annotations: hintsOf(annotations) })
    }
    const cursor = isObject(result) ? result['nextCursor'] : undefined
    if (typeof cursor !== 'string' || this.#id > MOST_PAGES) return true
    await this.#ask(METHODS.listTools, { ...this.#meta, cursor })
    return false
  }

  /** A client that only asks for a list can do nothing for a server, which may still look whether somebody is there. */
  decline({ id, method }: Extract<Message, { kind: 'request' }>): Promise<void> {
    const error = { code: -32601, message: `${method} is not offered` }
    return this.#tell(method === 'ping' ? { id, result: {} } : { id, error })
  }

  #ask(method: string, params: JsonObject): Promise<void> {
    this.#id++
    return this.#tell({ id: this.#id, method, params })
  }

  #tell(message: JsonObject): Promise<void> {
    return this.#server.write(JSON.stringify({ jsonrpc: '2.0', ...message }))
  }
}
