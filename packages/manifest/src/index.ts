export type { ClientLimits, Manifest, ManifestClient, Proof } from './manifest.js'
