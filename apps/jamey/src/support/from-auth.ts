/** The part of `@jamey/auth` that short commands load, as `from-bus.ts` is of the bus. */
export { assertOwnFolder, readTokenSecretFile } from '@jamey/auth'
