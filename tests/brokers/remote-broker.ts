import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RemoteArguments } from './arguments.js'
import type { BrokerUnderTest } from './broker-under-test.js'
import { ServerProcess } from './server-process.js'

/** One that runs already, or that a command starts, such as EMQX or VerneMQ, with the cast let in. */
export function remoteBroker(remote: RemoteArguments): BrokerUnderTest {
  const folder = resolve(remote.files)
  const secret = remote.secretFile && readFileSync(remote.secretFile, 'utf8').trim()
  const isV5 = remote.protocolVersion === 5
  const server = serverOf(remote)
  const access = remote.access ?? (secret === undefined ? 'certificates' : 'tokens')
  return {
    key: `${remote.name}, ${access}`.toLowerCase(),
    name: remote.name,
    version: '',
    access,
    capabilities: {
      protocolVersion: remote.protocolVersion,
      sharesRequests: isV5,
      letsIntoGroups: false,
      retainsForWildcards: true,
      foreignIdentifier: remote.foreignIdentifier,
    },
    start: async () => server?.start(),
    kill9: server && (() => server.restart('SIGKILL')),
    restart: server && (() => server.restart('SIGTERM')),
    stop: async () => server?.end('SIGKILL'),
    async environmentOf(clientId) {
      const [cert, key] = [join(folder, `${clientId}.crt`), join(folder, `${clientId}.key`)]
      const certificate = existsSync(cert) ? { MQTT_TLS_CLIENT_CERT: cert, MQTT_TLS_CLIENT_KEY: key } : {}
      if (secret === undefined && !existsSync(cert)) throw new Error(`${cert} is missing, and --secret too`)
      return {
        MQTT_BROKER_URL: remote.url,
        MQTT_TLS_CA_CERT: join(folder, 'ca.crt'),
        ...certificate,
        ...(secret === undefined ? { MQTT_USERNAME: 'none' } : { MQTT_JWT_SECRET: secret }),
        ...remote.variables,
      }
    },
  }
}

function serverOf({ command, url }: RemoteArguments): ServerProcess | undefined {
  if (command === undefined) return undefined
  const { port } = new URL(url)
  return new ServerProcess({
    program: '/bin/sh',
    args: ['-c', command],
    env: process.env,
    port: port === '' ? 8883 : Number(port),
  })
}
