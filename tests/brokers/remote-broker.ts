import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RemoteArguments } from './arguments.js'
import type { BrokerUnderTest } from './broker-under-test.js'

/** One that runs already, such as EMQX or VerneMQ, with the cast let in; it is not ended. */
export function remoteBroker(remote: RemoteArguments): BrokerUnderTest {
  const folder = resolve(remote.files)
  const secret = remote.secretFile && readFileSync(remote.secretFile, 'utf8').trim()
  const isV5 = remote.protocolVersion === 5
  return {
    key: remote.name.toLowerCase(),
    name: remote.name,
    version: '',
    access: secret === undefined ? 'certificates' : 'tokens',
    capabilities: {
      protocolVersion: remote.protocolVersion,
      sharesRequests: isV5,
      letsIntoGroups: false,
      retainsForWildcards: true,
      foreignIdentifier: 'nothing',
    },
    start: async () => {},
    kill9: undefined,
    restart: undefined,
    stop: async () => {},
    async environmentOf(clientId) {
      const [cert, key] = [join(folder, `${clientId}.crt`), join(folder, `${clientId}.key`)]
      const certificate = existsSync(cert) ? { MQTT_TLS_CLIENT_CERT: cert, MQTT_TLS_CLIENT_KEY: key } : {}
      if (secret === undefined && !existsSync(cert)) throw new Error(`${cert} is missing, and --secret too`)
      return {
        MQTT_BROKER_URL: remote.url,
        MQTT_TLS_CA_CERT: join(folder, 'ca.crt'),
        ...certificate,
        ...(secret === undefined ? { MQTT_USERNAME: 'none' } : { MQTT_JWT_SECRET: secret }),
      }
    },
  }
}
