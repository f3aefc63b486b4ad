export type { Clock } from './guard/clock.js'
export { guardMcp, type McpGuardEnd, type McpGuardOptions } from './guard/mcp-guard.js'
export type { ServerEnd, ServerLink } from './guard/server-link.js'
export { type ChildServerOptions, ServerStartError, startChildServer } from './process/child-server.js'
