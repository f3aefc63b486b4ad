export { JameyStore, type JameyStoreOptions, type KeptItem, type Provenance } from './jamey-store.js'
