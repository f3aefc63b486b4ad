import { PropertyMemory } from '@jamey/protocol'
import { skipping } from '../connection/node-skipping.js'
import { ConnectionError } from '../model/errors.js'
import type { WebSocketOptions } from '../model/options.js'
import type { Platform } from '../model/platform.js'
import { systemClock } from '../support/node-clock.js'
import type { NodeDialer } from '../transport/node-dialer.js'
import { systemError } from '../transport/system-error.js'
import { openTcp } from '../transport/tcp-transport.js'
import { readTlsMaterial } from '../transport/tls-material.js'
import { openWebSocket } from '../transport/ws-socket.js'

/** TCP, TLS and WebSocket; certificates from files or memory. What one client learns of addresses is its own. */
export function makeNodePlatform(dialer: NodeDialer, webSocket: WebSocketOptions = {}): Platform {
  return {
    ...base,
    openTransport: (endpoint, tls) => {
      const { scheme } = endpoint
      if (scheme === 'mqtt' || scheme === 'mqtts') return openTcp(endpoint, tls, dialer)
      if (scheme === 'ws' || scheme === 'wss')
        return openWebSocket(endpoint, tls, undefined, dialer, webSocket)
      throw new ConnectionError(
        'invalid-argument',
        `no transport for ${endpoint.href}; expected mqtts:, wss:, mqtt: or ws:, or an own one in the option 'transport'`,
      )
    },
    hasOtherAddress: ({ host, port }) => dialer.hasHealthy(host, port),
  }
}

const base: Omit<Platform, 'openTransport'> = {
  clock: systemClock,
  readTls: readTlsMaterial,
  systemError,
  skipping,
  propertyMemory: () => new PropertyMemory(),
  warn: (message) => process.emitWarning(message, 'MqttWarning'),
}
