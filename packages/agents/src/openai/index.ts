export type { OpenAiOptions } from './call.js'
export { openaiRequestGuardrail, openaiToolGuardrails } from './guardrails.js'
export { type OpenAiToolsOptions, openaiTools } from './tools.js'
