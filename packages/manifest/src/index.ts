export {
  type BrokerFile,
  type BrokerFiles,
  BrokerFilesError,
  type BrokerFilesErrorCode,
  type BrokerOptions,
  type CommentMark,
  type MakeBrokerFiles,
} from './brokers/broker-files.js'
export type { ClientLimits, Manifest, ManifestClient, Proof } from './model/manifest.js'
