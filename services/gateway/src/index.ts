export { serveApi } from './api/api-router.js'
export type { GatewayBus } from './api/gateway-bus.js'
export type { LocalAnswers } from './api/local-answers.js'
export { openApiDocument } from './api/openapi.js'
export type { GatewayTls } from './callers/https.js'
export type { CallLimit } from './http/http-server.js'
export { GatewayError, type GatewayErrorCode } from './problems/errors.js'
export type { ProblemBody } from './problems/problem.js'
export { createGateway, DEFAULT_GRACE_MS, type Gateway } from './service/gateway.js'
export {
  DEFAULT_CALLS_PER_MINUTE,
  DEFAULT_HTTP_HOST,
  DEFAULT_HTTP_PORT,
  type GatewayOptions,
  type GatewaySettings,
  gatewayOptionsFromEnvironment,
} from './service/options.js'
export { type RunningGateway, type RunOptions, runGateway } from './service/run.js'
export type { TokenClients } from './tokens/token-issuer.js'
