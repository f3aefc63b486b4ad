import type { MessageId } from '../lines/message.js'
import { METHODS } from './protocol.js'

/** JSON-RPC 2.0, section 5.1. */
export const PARSE_ERROR = -32700
export const INVALID_REQUEST = -32600
export const INTERNAL_ERROR = -32603
/** Of our own, in the range that JSON-RPC leaves to servers, where MCP and its SDKs have others. */
const REFUSED = -32010

/** The line of an error that is told to a program. */
export function errorLine(id: MessageId | null, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })
}

/** The line of a tool's error, which the model reads: it learns why, and does not try the same again. */
function toolErrorLine(id: MessageId, text: string, isModern: boolean): string {
  const kind = isModern ? { resultType: 'complete' } : {}
  const result = { ...kind, content: [{ type: 'text', text }], isError: true }
  return JSON.stringify({ jsonrpc: '2.0', id, result })
}

/** The line of a refusal: for a call of a tool its own error, for any other request one of the protocol. */
export function refusalLine(
  { id, method, isModern }: { readonly id: MessageId; readonly method: string; readonly isModern: boolean },
  text: string,
): string {
  return method === METHODS.callTool ? toolErrorLine(id, text, isModern) : errorLine(id, REFUSED, text)
}

/** Text of others as one line that steers nobody's terminal or eyes, of at most `maximum` characters. */
export function shown(text: string, maximum: number): string {
  const harmless = text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`,
  )
  return harmless.length <= maximum ? harmless : `${harmless.slice(0, maximum)}...`
}
