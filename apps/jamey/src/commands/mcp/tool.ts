import { type Bus, isTraceparent } from '@jamey/bus'
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server'
import { refusalOf } from '../../client/permission-refusal.js'
import { reportOf } from '../../support/failure.js'

/** Settings that all tools have from the command that serves them. */
export interface ToolContext {
  /** Milliseconds that an answer of a service may take. */
  readonly timeoutMs: number
  readonly now: () => Date
}

/** How requests for a call are made: within their time, until the client cancels it, and in its trace where it tells one. */
export function requestOptions({ timeoutMs }: ToolContext, { mcpReq }: ServerContext) {
  const given = mcpReq._meta?.['traceparent']
  const trace = typeof given === 'string' && isTraceparent(given) ? { traceparent: given } : {}
  return { timeoutMs, signal: mcpReq.signal, ...trace }
}

/**
 * The result of a tool, as structured content and as text for clients that know no other. Whatever fails is an error of
 * the tool with a stable code: the model reads it, and can do something else.
 */
export async function resultOf(bus: Bus, work: () => Promise<object>): Promise<CallToolResult> {
  try {
    const output = await work()
    return {
      content: [{ type: 'text', text: JSON.stringify(output) }],
      structuredContent: output as Record<string, unknown>,
    }
  } catch (error) {
    const { code, message, hint } = reportOf(refusalOf(error, { bus, source: 'option' }))
    const text = hint === undefined ? `${code}: ${message}` : `${code}: ${message} (${hint})`
    return { content: [{ type: 'text', text }], isError: true }
  }
}
