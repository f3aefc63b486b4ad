/**
 * True for a Host header that names this machine. A page of a foreign site whose name was made to resolve to 127.0.0.1
 * (DNS rebinding) still sends that site's name here.
 */
export function isLocalHostHeader(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host)
}
