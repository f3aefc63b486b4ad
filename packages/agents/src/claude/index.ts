export { type ClaudeCanUseToolOptions, claudeCanUseTool } from './can-use-tool.js'
export { type ClaudeHooks, type ClaudeHooksOptions, claudeHooks } from './hooks.js'
