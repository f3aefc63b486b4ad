export {
  type Authority,
  type CertificateOptions,
  createAuthority,
  type IssuedCertificate,
  issueClientCertificate,
  issueServerCertificate,
} from './certificate.js'
export {
  type CertificateDirectory,
  type CertificateDirectoryOptions,
  type CertificateFiles,
  createCertificateDirectory,
} from './certificate-directory.js'
export {
  assertClientPermissions,
  type ClientEntry,
  type HashedSecret,
  readClientFile,
  writeClientFile,
} from './client-file.js'
export { isClientIdentifier } from './client-identifier.js'
export { ClientRegistry, type ClientRegistryOptions, RegistryBusyError } from './client-registry.js'
export { createClientSecret, hashClientSecret, isClientSecret } from './client-secret.js'
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
} from './deny-list.js'
export * from './error.js'
export { urlFault as tokenUrlFault } from './https-request.js'
export { KeySet, readKeySetFile, type VerificationKeys } from './key-set.js'
export { LiveKeySet, type LiveKeySetOptions } from './live-key-set.js'
export {
  assertOwnFolder,
  isOpenSecret,
  type OwnFileOptions,
  type OwnPathOptions,
  ownPath,
  readOwnFile,
} from './own-files.js'
export { PERMISSION_FORM } from './permission-entry.js'
export { type Action, type Decision, ownTopics, Permissions, type Ruling } from './permissions.js'
export { RemoteTokenSource, type RemoteTokenSourceOptions } from './remote-token-source.js'
export {
  type CertificateNumber,
  certificateNumberOf,
  normalSerialNumber,
  RevocationList,
  readRevocationLists,
} from './revocation-list.js'
export { type Bearer, type RevocationFiles, Revocations, type RevocationsOptions } from './revocations.js'
export { assertSecret, MINIMUM_SECRET_BYTES, type Secret } from './secret.js'
export { createSigningKeyFile } from './signing-key-file.js'
export {
  DEFAULT_LIFETIME_SECONDS,
  MAXIMUM_LIFETIME_SECONDS,
  signToken,
  type TokenClaims,
  type TokenContent,
} from './token.js'
export {
  AUTHENTICATION_METHOD,
  type AuthenticationRequest,
  type TokenAuthenticator,
  type TokenAuthenticatorOptions,
  type TokenIdentity,
  tokenAuthenticator,
} from './token-authenticator.js'
export {
  createTokenSecretFile,
  readTokenSecretFile,
  readTokenSecretsFile,
  type TokenSecrets,
  tokenSecretsIn,
} from './token-secret-file.js'
export { type IssuedToken, TokenSource, type TokenSourceOptions } from './token-source.js'
export { CLOCK_TOLERANCE_SECONDS, TokenVerifier, type TokenVerifierOptions } from './token-verifier.js'
