export { aiSdkToolApproval } from './tool-approval.js'
export { type AiSdkOptions, type AiSdkToolsOptions, aiSdkTools } from './tools.js'
