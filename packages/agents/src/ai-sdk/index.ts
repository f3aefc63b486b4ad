export { type AiSdkMemoryMiddlewareOptions, aiSdkMemoryMiddleware } from './memory-middleware.js'
export { type AiSdkMemoryOptions, aiSdkMemoryTools } from './memory-tools.js'
export { aiSdkToolApproval } from './tool-approval.js'
export { type AiSdkOptions, type AiSdkToolsOptions, aiSdkTools } from './tools.js'
