import * as storeParts from './backlog.js'
import { ConnectionError } from './errors.js'
import type { Platform } from './platform.js'
import { openTcp } from './tcp-transport.js'
import { tlsError } from './tls-error.js'
import { readTlsMaterial } from './tls-material.js'
import { openWebSocket } from './ws-socket.js'

/** TCP, TLS and WebSocket; certificates from files or memory. */
export const nodePlatform: Platform = {
  openTransport: (endpoint, tls) => {
    const { scheme } = endpoint
    if (scheme === 'mqtt' || scheme === 'mqtts') return openTcp(endpoint, tls)
    if (scheme === 'ws' || scheme === 'wss') return openWebSocket(endpoint, tls)
    throw new ConnectionError(
      'invalid-argument',
      `no transport for ${endpoint.href}; expected mqtts:, wss:, mqtt: or ws:, or an own one in the option 'transport'`,
    )
  },
  readTls: readTlsMaterial,
  tlsError,
  storeParts: async () => storeParts,
  warn: (message) => process.emitWarning(message, 'MqttWarning'),
}
