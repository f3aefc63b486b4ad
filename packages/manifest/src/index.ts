export {
  type BrokerFile,
  type BrokerFiles,
  BrokerFilesError,
  type BrokerFilesErrorCode,
  type BrokerOptions,
  type CommentMark,
  type MakeBrokerFiles,
} from './brokers/broker-files.js'
export { isAsMade, withDigestLine } from './brokers/digest-line.js'
export { emqxFiles } from './brokers/emqx.js'
export { mosquittoFiles } from './brokers/mosquitto.js'
export { natsFiles } from './brokers/nats.js'
export { OTHER_BROKERS, type OtherBroker, type OtherBrokerName } from './brokers/other-brokers.js'
export { rabbitMqFiles } from './brokers/rabbitmq.js'
export { vernemqFiles } from './brokers/vernemq.js'
export {
  type ClientChange,
  diff,
  type ManifestDifference,
  type RightChange,
} from './changes/manifest-difference.js'
export { type Explanation, explain, type ManifestRuling, shownOrigin } from './decisions/explanation.js'
export { permissionsIn } from './decisions/permissions-in.js'
export { clientOf, permissionsOf } from './decisions/permissions-of.js'
export { who } from './decisions/who.js'
export {
  CLIENT_LIMITS,
  type ClientLimits,
  type Manifest,
  type ManifestClient,
  type PermissionOrigin,
  PROOFS,
  type Proof,
} from './model/manifest.js'
export { LiveManifest, type LiveManifestOptions } from './reading/live-manifest.js'
export {
  ManifestError,
  type ManifestErrorCode,
  type ManifestFault,
  shownFault,
} from './reading/manifest-error.js'
export { readManifestFile } from './reading/manifest-file.js'
export { readManifestFileAside } from './reading/manifest-thread.js'
export { MANIFEST_VERSION, MAXIMUM_MANIFEST_CHARACTERS, readManifest } from './reading/read-manifest.js'
