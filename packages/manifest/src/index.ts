export {
  type BrokerFile,
  type BrokerFiles,
  BrokerFilesError,
  type BrokerFilesErrorCode,
  type BrokerOptions,
  type CommentMark,
  type MakeBrokerFiles,
} from './brokers/broker-files.js'
export {
  CLIENT_LIMITS,
  type ClientLimits,
  type Manifest,
  type ManifestClient,
  type PermissionOrigin,
  PROOFS,
  type Proof,
} from './model/manifest.js'
export {
  ManifestError,
  type ManifestErrorCode,
  type ManifestFault,
  shownFault,
} from './reading/manifest-error.js'
export { MANIFEST_VERSION, MOST_MANIFEST_CHARACTERS, readManifest } from './reading/read-manifest.js'
