export { type MastraHooks, type MastraOptions, mastraHooks } from './hooks.js'
