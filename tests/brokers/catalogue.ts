import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { startAuthz } from '@jamey/authz'
import { mosquittoFiles, natsFiles, rabbitMqFiles } from '@jamey/manifest'
import { freePort } from '@jamey/testing'
import type { BrokerUnderTest } from './broker-under-test.js'
import { castManifest } from './cast.js'
import { type Beside, type GeneratedSetting, generatedBroker, isInstalled } from './generated-broker.js'
import { ownBroker, SECRET } from './own-broker.js'
import { ServerProcess } from './server-process.js'
import type { Workplace } from './workplace.js'

export interface Entry {
  readonly isInstalled: () => boolean
  readonly make: () => Promise<BrokerUnderTest>
}

const PLUGIN_FOLDER = resolve(import.meta.dirname.replace(/\/dist$/, ''), '../../deploy/mosquitto')

/** As root it would become another user, who may not look into a test's folder. */
function forRoot(text: string, path: string): string {
  if (path !== 'mosquitto.conf') return text
  const plugin = text.replace(/^plugin .*$/m, `plugin ${PLUGIN_FOLDER}/build/jamey_mosquitto.so`)
  return process.getuid?.() === 0 ? `user root\n${plugin}` : plugin
}

const MOSQUITTO: GeneratedSetting = {
  key: 'mosquitto',
  name: 'Mosquitto',
  access: 'certificates and acl_file, not shared',
  program: '/usr/sbin/mosquitto',
  versionCommand: ['/usr/sbin/mosquitto', '-h'],
  make: mosquittoFiles,
  adapt: forRoot,
  clientsBy: 'certificates',
  capabilities: {
    protocolVersion: 5,
    sharesRequests: false,
    letsIntoGroups: false,
    retainsForWildcards: true,
    foreignIdentifier: 'nothing',
  },
  // The token is for nobody, and its renewals are as with a broker that reads it.
  clientEnvironment: {
    MQTT_JWT_SECRET: SECRET,
    MQTT_AUTH_METHOD: 'none',
    MQTT_SHARED_SUBSCRIPTIONS: 'false',
  },
}

/** Its rules know no groups, so that every client has to be trusted with them. */
const MOSQUITTO_SHARED: GeneratedSetting = {
  ...MOSQUITTO,
  key: 'mosquitto-shared',
  access: 'certificates and acl_file, shared',
  capabilities: { ...MOSQUITTO.capabilities, sharesRequests: true, letsIntoGroups: true },
  clientEnvironment: { MQTT_JWT_SECRET: SECRET, MQTT_AUTH_METHOD: 'none' },
}

/** Our plugin checks tokens, keeps groups to their members, and stamps who sent a message. */
const MOSQUITTO_PLUGIN: GeneratedSetting = {
  ...MOSQUITTO,
  key: 'mosquitto-plugin',
  access: 'tokens by our plugin',
  clientsBy: 'tokens',
  isReady: () => existsSync('/usr/include/mosquitto_plugin.h'),
  beside: async () => {
    execFileSync('make', ['-s', '-C', PLUGIN_FOLDER], { stdio: 'pipe' })
    return { env: {}, stop: async () => {} }
  },
  capabilities: { ...MOSQUITTO.capabilities, sharesRequests: true },
  clientEnvironment: { MQTT_JWT_SECRET: SECRET, MQTT_SERVER_STAMPS: 'jamey/#' },
}

const OLD = {
  protocolVersion: 4,
  sharesRequests: false,
  letsIntoGroups: false,
  retainsForWildcards: true,
  foreignIdentifier: 'connection',
} as const

const NATS: GeneratedSetting = {
  key: 'nats',
  name: 'NATS',
  access: 'certificates',
  program: '/usr/sbin/nats-server',
  versionCommand: ['/usr/sbin/nats-server', '--version'],
  make: natsFiles,
  clientsBy: 'certificates',
  capabilities: OLD,
  clientEnvironment: { MQTT_USERNAME: 'none', MQTT_SHARED_SUBSCRIPTIONS: 'false' },
}

const RABBITMQ: GeneratedSetting = {
  key: 'rabbitmq',
  name: 'RabbitMQ',
  access: 'tokens by the authorization service',
  program: '/usr/lib/rabbitmq/bin/rabbitmq-server',
  // Any argument of its own program would start another one.
  versionCommand: ['/bin/ls', '/usr/lib/rabbitmq/lib'],
  make: rabbitMqFiles,
  clientsBy: 'tokens',
  capabilities: { ...OLD, retainsForWildcards: false, foreignIdentifier: 'nothing' },
  clientEnvironment: { MQTT_JWT_SECRET: SECRET, MQTT_SHARED_SUBSCRIPTIONS: 'false' },
  beside: erlangAndAuthz,
}

/** All that can be started here, in the order of the page. */
export const BROKERS: Readonly<Record<string, Entry>> = {
  own: { isInstalled: () => true, make: ownBroker },
  ...Object.fromEntries(
    [MOSQUITTO, MOSQUITTO_SHARED, MOSQUITTO_PLUGIN, RABBITMQ, NATS].map((setting) => [
      setting.key,
      entry(setting),
    ]),
  ),
}

function entry(setting: GeneratedSetting): Entry {
  return { isInstalled: () => isInstalled(setting), make: () => generatedBroker(setting) }
}

const BROKER_SECRET = 'what-this-broker-shows-of-itself.1234'

/** The service that decides, and Erlang's port mapper, which the node would leave behind. */
async function erlangAndAuthz(place: Workplace): Promise<Beside> {
  const authz = await startAuthz({
    port: 0,
    secrets: [BROKER_SECRET],
    tokens: { secret: SECRET },
    manifest: castManifest('token'),
  })
  const { env, stop } = await erlang(place)
  return {
    env,
    authorization: { url: authz.url, secret: BROKER_SECRET },
    async stop() {
      await stop()
      await authz.stop()
    },
  }
}

/** Its port mapper and its node, on loopback at ports of their own; the node would leave a mapper behind. */
async function erlang(place: Workplace): Promise<Beside> {
  const [mapper, distribution] = [await freePort(), await freePort()]
  place.write('.erlang.cookie', 'a cookie for a test', 0o600)
  const env = {
    RABBITMQ_NODENAME: `jamey${distribution}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: place.path('mnesia'),
    RABBITMQ_LOG_BASE: place.path('log'),
    RABBITMQ_CONFIG_FILE: place.path('rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: place.path('enabled_plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(mapper),
  }
  const args = ['-address', '127.0.0.1', '-port', String(mapper)]
  const epmd = new ServerProcess({
    program: '/usr/bin/epmd',
    args,
    env: { PATH: process.env['PATH'], ...env },
    port: mapper,
  })
  await epmd.start()
  return { env, stop: () => epmd.end('SIGKILL') }
}
