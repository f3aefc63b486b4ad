import { createAuthority, issueServerCertificate } from '@jamey/auth'

/** A certificate with its key, and who signed it; all PEM. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A server certificate for this machine, and the authority that every client is given. */
export async function makeCertificates(): Promise<Certificates> {
  const authority = await createAuthority()
  const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
  return { ca: authority.certPem, cert: certPem, key: keyPem }
}
