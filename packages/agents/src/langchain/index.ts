export { type LangchainOptions, langchainMiddleware } from './middleware.js'
