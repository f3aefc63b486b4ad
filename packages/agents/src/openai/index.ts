export type { OpenAiOptions } from './call.js'
export { openaiRequestGuardrail, openaiToolGuardrails } from './guardrails.js'
export { type OpenaiSession, type OpenaiSessionOptions, openaiSession } from './session.js'
export { type OpenAiToolsOptions, openaiTools } from './tools.js'
