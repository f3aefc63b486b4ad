import { resolve } from 'node:path'
import { freePort } from '@jamey/testing'
import type { BrokerUnderTest } from './broker-under-test.js'
import { ServerProcess } from './server-process.js'
import { Workplace } from './workplace.js'

/** The command line as a user has it after `npm run build`; found from the sources and from what is built of them. */
export const JAMEY = resolve(import.meta.dirname.replace(/\/dist$/, ''), '../../apps/jamey/bin/jamey.js')
export const SECRET = 'a-secret-of-the-suite-of-more-than-thirty-two-bytes'

/** `jamey run broker` with tokens. */
export async function ownBroker(): Promise<BrokerUnderTest> {
  const place = await Workplace.make('own')
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    HOME: place.folder,
    JAMEY_BROKER_PORT: String(port),
    JAMEY_BROKER_CERT: place.cert,
    JAMEY_BROKER_KEY: place.key,
    JAMEY_BROKER_CA: place.ca,
    JAMEY_BROKER_STORE: place.path('store'),
    MQTT_JWT_SECRET: SECRET,
  }
  const args = [JAMEY, 'run', 'broker']
  const server = new ServerProcess({ program: process.execPath, args, env, cwd: place.folder, port })
  return {
    key: 'own',
    name: 'jamey broker',
    version: 'this one',
    access: 'tokens',
    capabilities: {
      protocolVersion: 5,
      sharesRequests: true,
      letsIntoGroups: false,
      retainsForWildcards: true,
      foreignIdentifier: 'nothing',
    },
    start: () => server.start(),
    kill9: () => server.restart('SIGKILL'),
    restart: () => server.restart('SIGTERM'),
    async stop() {
      await server.end('SIGTERM')
      place.remove()
    },
    environmentOf: async () => ({
      MQTT_BROKER_URL: `mqtts://127.0.0.1:${port}`,
      MQTT_TLS_CA_CERT: place.ca,
      MQTT_JWT_SECRET: SECRET,
    }),
  }
}
