import { isObject, type JsonObject } from '../lines/message.js'

/** Names that the Model Context Protocol gives to what is looked at here. */
export const METHODS = {
  initialize: 'initialize',
  initialized: 'notifications/initialized',
  cancelled: 'notifications/cancelled',
  callTool: 'tools/call',
  listTools: 'tools/list',
  toolsChanged: 'notifications/tools/list_changed',
  elicit: 'elicitation/create',
  createMessage: 'sampling/createMessage',
  readResource: 'resources/read',
  subscribe: 'resources/subscribe',
  listen: 'subscriptions/listen',
  getPrompt: 'prompts/get',
  taskResult: 'tasks/result',
} as const

/** Members of `_meta` that every request has from protocol version 2026-07-28 on. */
export const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion'
export const CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

/** The `_meta` of what is asked; empty where there is none. */
export function metaOf(params: unknown): JsonObject {
  const meta = isObject(params) ? params['_meta'] : undefined
  return isObject(meta) ? meta : {}
}

/** The tools in a result of `tools/list`. */
export function toolsIn(result: unknown): (JsonObject & { readonly name: string })[] {
  const tools = isObject(result) ? result['tools'] : undefined
  return Array.isArray(tools) ? (tools as readonly unknown[]).filter(isNamed) : []
}

function isNamed(tool: unknown): tool is JsonObject & { readonly name: string } {
  return isObject(tool) && typeof tool['name'] === 'string'
}
