export { serveApi } from './api-router.js'
export type { CallLimit } from './edge.js'
export { GatewayError, type GatewayErrorCode } from './error.js'
export { createGateway, DEFAULT_GRACE_MS, type Gateway } from './gateway.js'
export type { GatewayTls } from './https.js'
export { openApiDocument } from './openapi.js'
export {
  DEFAULT_CALLS_PER_MINUTE,
  DEFAULT_HTTP_HOST,
  DEFAULT_HTTP_PORT,
  type GatewayBus,
  type GatewayOptions,
  type GatewaySettings,
  gatewayOptionsFromEnvironment,
} from './options.js'
export type { ProblemBody } from './problem.js'
export { type RunningGateway, type RunOptions, runGateway } from './run.js'
export type { TokenClients } from './token-issuer.js'
