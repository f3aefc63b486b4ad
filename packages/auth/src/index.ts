// By it a permission covers a filter.
export { covers } from '@jamey/protocol'
export {
  type Authority,
  type CertificateOptions,
  createAuthority,
  type IssuedCertificate,
  issueClientCertificate,
  issueServerCertificate,
} from './certificates/certificate.js'
export {
  type CertificateDirectory,
  type CertificateDirectoryOptions,
  createCertificateDirectory,
} from './certificates/certificate-directory.js'
export {
  assertClientPermissions,
  type ClientEntry,
  type HashedSecret,
  readClientFile,
  writeClientFile,
} from './clients/client-file.js'
export { ClientRegistry, type ClientRegistryOptions, RegistryBusyError } from './clients/client-registry.js'
export { createClientSecret, hashClientSecret, isClientSecret } from './clients/client-secret.js'
export {
  assertOwnFolder,
  isOpenSecret,
  type OwnFileOptions,
  type OwnPathOptions,
  ownPath,
  readKeyFile,
  readOwnFile,
} from './files/own-files.js'
export { narrowedTo } from './permissions/narrowing.js'
export {
  type Entries,
  type Grant,
  PERMISSION_FORM,
  permissionFault,
  readEntries,
  type WhomEntry,
} from './permissions/permission-entry.js'
export { type Action, type Decision, ownTopics, Permissions, type Ruling } from './permissions/permissions.js'
export {
  DENIAL_KINDS,
  type Denial,
  type DenialKind,
  DenyList,
  denialOf,
  isInForce,
  readDenyListFile,
  type Shown,
  writeDenyListFile,
} from './revocation/deny-list.js'
export {
  type CertificateNumber,
  certificateNumberOf,
  normalSerialNumber,
  RevocationList,
  readRevocationLists,
} from './revocation/revocation-list.js'
export {
  type Bearer,
  type RevocationFiles,
  Revocations,
  type RevocationsOptions,
} from './revocation/revocations.js'
export { isClientIdentifier } from './support/client-identifier.js'
export { clientNameSkeleton, newClientNameFault, shownClientName } from './support/client-name.js'
export * from './support/errors.js'
export { type ClientCertificate, urlFault as tokenUrlFault } from './support/https-request.js'
export { isLoopbackAddress, isLoopbackHost } from './support/loopback.js'
export { WatchedFiles } from './support/watched-files.js'
export { KeySet, readKeySetFile, type VerificationKeys } from './tokens/key-set.js'
export { LiveKeySet, type LiveKeySetOptions } from './tokens/live-key-set.js'
export { RemoteTokenSource, type RemoteTokenSourceOptions } from './tokens/remote-token-source.js'
export { assertSecret, MINIMUM_SECRET_BYTES, type Secret } from './tokens/secret.js'
export { createSigningKeyFile } from './tokens/signing-key-file.js'
export {
  DEFAULT_LIFETIME_SECONDS,
  MAXIMUM_LIFETIME_SECONDS,
  signToken,
  type TokenClaims,
  type TokenContent,
} from './tokens/token.js'
export {
  AUTHENTICATION_METHOD,
  type AuthenticationRequest,
  type TokenAuthenticator,
  type TokenAuthenticatorOptions,
  type TokenIdentity,
  tokenAuthenticator,
} from './tokens/token-authenticator.js'
export {
  createTokenSecretFile,
  readTokenSecretFile,
  readTokenSecretsFile,
  type TokenSecrets,
  tokenSecretsIn,
} from './tokens/token-secret-file.js'
export { type IssuedToken, TokenSource, type TokenSourceOptions } from './tokens/token-source.js'
export { CLOCK_TOLERANCE_SECONDS, TokenVerifier, type TokenVerifierOptions } from './tokens/token-verifier.js'
