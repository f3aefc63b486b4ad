import { createAuthority, issueServerCertificate } from '@jamey/auth'
import type { Certificates } from './sink.js'

/** A server certificate for this machine, and the authority that every client is given. */
export async function makeCertificates(): Promise<Certificates> {
  const authority = await createAuthority()
  const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
  return { ca: authority.certPem, cert: certPem, key: keyPem }
}
