import type { X509Certificate } from 'node:crypto'

/** '' where it has none, or several: nobody is called so. */
export function commonNameOf(certificate: X509Certificate): string {
  const { CN: name } = certificate.toLegacyObject().subject as { readonly CN?: unknown }
  return typeof name === 'string' ? name : ''
}
