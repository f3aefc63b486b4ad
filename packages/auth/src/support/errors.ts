import { JameyError } from '@jamey/protocol'

export { AuthenticationRefused, JameyError, type JameyErrorDetails } from '@jamey/protocol'

/** Every way a token is refused or cannot be made, and what it means. */
export const TOKEN_ERRORS = {
  'token-malformed': 'it is not a JSON Web Token in compact form, or is longer than the limit',
  'token-algorithm': 'its header names an algorithm for which there is no key',
  'token-signature': 'it was not signed with a secret or key in force',
  'token-keys-unavailable': 'the keys to verify it with cannot be fetched at the moment',
  'token-expired': 'its `exp` has passed',
  'token-not-yet-valid': 'its `iat` or `nbf` lies in the future',
  'token-claim-missing': 'one of the claims sub, exp, iat and permissions is missing',
  'token-audience': 'it was issued for other servers, or for none where one is expected',
  'token-issuer': 'it was issued by somebody else than those expected',
  'token-claim-invalid': 'a claim has a value of the wrong kind',
  'token-lifetime': 'its lifetime is not positive or longer than allowed',
  'token-subject': 'it was issued to another client',
  'token-denied': 'the deny list names it, or whom it was issued to',
} as const

export type TokenErrorCode = keyof typeof TOKEN_ERRORS

/** A token that was refused, or could not be made. Its message never holds the token or a part of it. */
export class TokenError extends JameyError<TokenErrorCode> {
  override readonly name = 'TokenError'

  constructor(code: TokenErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, { ...options, retryable: code === 'token-keys-unavailable' })
  }
}

/** Every way a token secret cannot be used, and what it means. */
export const SECRET_ERRORS = {
  'secret-too-short': 'it has fewer than 32 bytes',
  'secret-file-missing': 'its file does not exist',
  'secret-file-exposed': 'its file can be read or written by others than its owner',
  'secret-file-damaged': 'its file does not hold one to four secrets, a line each',
  'secret-file-unreadable': 'its file cannot be read or written by this process',
} as const

export type SecretErrorCode = keyof typeof SECRET_ERRORS

/** A token secret that cannot be used. Its message never holds the secret or a part of it. */
export class SecretError extends JameyError<SecretErrorCode> {
  override readonly name = 'SecretError'
}

/** Every way public keys of a token's issuer cannot be used, and what it means. */
export const KEY_SET_ERRORS = {
  'key-set-damaged': 'the text is no JSON Web Key Set, or has too many keys',
  'key-set-empty': 'no key in it verifies EdDSA, RS256 or ES256',
  'key-set-private': 'it holds a secret or private key',
  'key-set-unreadable': 'its file cannot be read, or its URL may not be asked',
} as const

export type KeySetErrorCode = keyof typeof KEY_SET_ERRORS

/** Public keys that cannot be used. */
export class KeySetError extends JameyError<KeySetErrorCode> {
  override readonly name = 'KeySetError'
}

/** Every way a file of clients cannot be used, and what it means. */
export const CLIENT_FILE_ERRORS = {
  'client-file-damaged': 'an entry, or the whole, is not what it has to be',
  'client-file-exposed': 'it can be read or written by others than its owner',
  'client-file-unreadable': 'it cannot be read or written by this process',
} as const

export type ClientFileErrorCode = keyof typeof CLIENT_FILE_ERRORS

/** A file of clients that cannot be used. Its message holds no secret and no hash of one. */
export class ClientFileError extends JameyError<ClientFileErrorCode> {
  override readonly name = 'ClientFileError'
}

/** Every way a token cannot be had from its issuer, and what it means. */
export const TOKEN_REQUEST_ERRORS = {
  'token-url-invalid': 'a secret may not be sent to such a URL',
  'token-issuer-unreachable': 'there was no answer, or one that says to try again',
  'token-issuer-refused': 'the issuer does not know the client or its secret, or its answer is none',
} as const

export type TokenRequestErrorCode = keyof typeof TOKEN_REQUEST_ERRORS

/** No token could be had from its issuer. */
export class TokenRequestError extends JameyError<TokenRequestErrorCode> {
  override readonly name = 'TokenRequestError'

  constructor(code: TokenRequestErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, { ...options, retryable: code === 'token-issuer-unreachable' })
  }
}

/** Every way a deny list cannot be used, and what it means. */
export const DENY_LIST_ERRORS = {
  'deny-list-damaged': 'an entry, or the whole, is not what it has to be',
  'deny-list-full': 'it has more than 10000 entries',
  'deny-list-unreadable': 'its file cannot be read or written by this process',
} as const

export type DenyListErrorCode = keyof typeof DENY_LIST_ERRORS

/** A deny list that cannot be used. */
export class DenyListError extends JameyError<DenyListErrorCode> {
  override readonly name = 'DenyListError'
}

/** Every way a permission list or a client identifier is not usable, and what it means. */
export const PERMISSION_LIST_ERRORS = {
  'permission-malformed': 'an entry is not written as permissions are',
  'client-identifier-invalid': 'a client identifier cannot stand as one level of a topic',
} as const

export type PermissionListErrorCode = keyof typeof PERMISSION_LIST_ERRORS

/** A permission list that cannot be read. Nothing is granted from such a list. */
export class PermissionListError extends JameyError<PermissionListErrorCode> {
  override readonly name = 'PermissionListError'
}

/** Every way certificates cannot be issued or used, and what it means. */
export const CERTIFICATE_ERRORS = {
  'certificate-argument': 'a host, common name, component name or validity is not usable',
  'certificate-damaged': 'a certificate or key cannot be read',
  'certificate-mismatch': 'a certificate does not belong to its key, its authority or its name',
  'certificate-expired': 'the certificate of the authority has expired',
  'certificate-missing': 'a file that is needed and cannot be made again is missing',
  'certificate-exposed': 'a private key or its directory is open to others than its owner',
  'certificate-unwritable': 'a file cannot be read or written by this process',
} as const

export type CertificateErrorCode = keyof typeof CERTIFICATE_ERRORS

/** Certificates that cannot be issued or used; `path` names the file where one is concerned. */
export class CertificateError extends JameyError<CertificateErrorCode> {
  override readonly name = 'CertificateError'
  readonly path: string | undefined

  constructor(code: CertificateErrorCode, message: string, options?: ErrorOptions & { path?: string }) {
    super(code, message, options)
    this.path = options?.path
  }
}

/** Every way a certificate cannot be had from a public authority, and what it means. */
export const ACME_ERRORS = {
  'acme-unreachable': 'the ACME server does not answer',
  'acme-refused': 'the ACME server says no, or something that is none of RFC 8555',
  'acme-challenge-failed': 'that the host is ours could not be proven',
  'acme-late': 'the ACME server took longer than is waited for',
} as const

export type AcmeErrorCode = keyof typeof ACME_ERRORS

/** A certificate that could not be had. Its message has what the ACME server said. */
export class AcmeError extends JameyError<AcmeErrorCode> {
  override readonly name = 'AcmeError'

  constructor(code: AcmeErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, { ...options, retryable: code === 'acme-unreachable' || code === 'acme-late' })
  }
}

/** Every reason for which a file or folder is not believed. */
export const OWNERSHIP_ERRORS = {
  'owner-foreign': 'it, or a folder above it, belongs to another user than the one of this process and root',
  'open-to-others': 'others than its owner may write to it, or to a folder above it',
  'link-leads-out': 'a link in a folder that was looked for leads out of that folder',
  'secret-exposed': 'others than its owner can read a secret',
} as const

export type OwnershipErrorCode = keyof typeof OWNERSHIP_ERRORS

/** A file or folder that somebody else may have put there. `path` is where the fault is; the message has the way out. */
export class OwnershipError extends JameyError<OwnershipErrorCode> {
  override readonly name = 'OwnershipError'
  readonly path: string

  constructor(code: OwnershipErrorCode, message: string, options: { path: string }) {
    super(code, message)
    this.path = options.path
  }
}
