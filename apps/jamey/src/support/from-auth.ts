/** As `from-bus.ts`, of `@jamey/auth`. */
export { assertOwnFolder, readTokenSecretFile } from '@jamey/auth'
