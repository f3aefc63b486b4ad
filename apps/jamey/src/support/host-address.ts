/** Port of MQTT over TLS. */
export const DEFAULT_BROKER_PORT = 8883

/** The address to connect to where somebody listens on `host`: everywhere includes this machine. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
