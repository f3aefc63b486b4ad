/**
 * `@jamey/auth/authority`: what only whoever keeps certificates does. It has an entry of its own, as short commands and
 * most programs do without.
 */

export {
  type AcmeCertificate,
  type AcmeCertificateOptions,
  obtainCertificate,
} from './acme/acme-certificate.js'
export {
  finishRotation,
  prepareAuthority,
  type RotationOptions,
  type RotationStage,
  rotationStage,
  switchAuthority,
} from './certificates/authority-rotation.js'
export { type CertificateFiles, isIssuedBy, readCertificates } from './certificates/certificate-folder.js'
export {
  certificateNames,
  type Renewal,
  type RenewalFault,
  type RenewalOptions,
  renewCertificates,
} from './certificates/certificate-renewal.js'
export {
  type Revoked,
  type RevokeOptions,
  revokeCertificate,
  revokeForeignFile,
} from './certificates/certificate-revocation.js'
export { REVOCATION_REASONS, type RevocationReason } from './certificates/revocation-list-file.js'
