import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { COMPONENTS } from '@jamey/contracts'
import type { ClientComponent, DataDirectory } from '../install/data-directory.js'
import type { BrokerAddress } from '../install/run-file.js'
import { hostInUrl } from '../support/host-address.js'

/**
 * The environment of a component that takes its identity from a data directory: its own client identifier and
 * certificate, the authority, the token secret, the data folder. A client identifier that has no certificate
 * there is told by its token alone.
 */
export function directoryEnvironment(
  component: ClientComponent,
  directory: DataDirectory,
  settings: {
    readonly broker: BrokerAddress
    readonly clientId?: string | undefined
  },
): NodeJS.ProcessEnv {
  const { broker, clientId = COMPONENTS[component].clientId } = settings
  const certificate = directory.clientCertificate(clientId)
  const hasCertificate = existsSync(certificate)
  return {
    MQTT_BROKER_URL: `mqtts://${hostInUrl(broker.host)}`,
    MQTT_PORT: String(broker.port),
    MQTT_TLS_CA_CERT: directory.caCertificate,
    ...(hasCertificate
      ? { MQTT_TLS_CLIENT_CERT: certificate, MQTT_TLS_CLIENT_KEY: directory.clientKey(clientId) }
      : {}),
    MQTT_JWT_SECRET_FILE: directory.secret,
    JAMEY_CLIENTS_FILE: directory.clients,
    JAMEY_DENIED_FILE: directory.denied,
    MQTT_CLIENT_ID: clientId,
    // An outbox is one client's: another client beside it, under a name of its own, has its own.
    MQTT_OUTBOX_DIR: join(
      directory.outboxes,
      clientId === COMPONENTS[component].clientId ? component : clientId,
    ),
    ...(component === 'conscience' && existsSync(directory.receiptKey)
      ? { JAMEY_RECEIPT_KEY_FILE: directory.receiptKey }
      : {}),
    JAMEY_DATA_DIR: directory.data,
    JAMEY_MEMORY_FILE: directory.memoryFile,
    JAMEY_AUDIT_DIR: directory.audit,
  }
}

/**
 * The same for a component whose broker runs in its own process. It tries for ever: whatever that broker cannot do for
 * a while (its disk is full) passes without anybody who would close an open breaker, and no other broker is meant.
 */
export function environmentBesideBroker(
  component: ClientComponent,
  directory: DataDirectory,
  broker: BrokerAddress,
): NodeJS.ProcessEnv {
  return { ...directoryEnvironment(component, directory, { broker }), MQTT_BREAKER_FAILURES: 'never' }
}

/** Settings that hold a path, which a person means relative to the folder he is in. */
const PATH_SETTINGS = [
  'JAMEY_APPROVALS_DIR',
  'JAMEY_AUDIT_DIR',
  'JAMEY_DENIED_FILE',
  'JAMEY_HTTP_CA',
  'JAMEY_HTTP_CERT',
  'JAMEY_HTTP_KEY',
  'JAMEY_HTTP_SOCKET',
  'JAMEY_PERMISSIONS_FILE',
  'JAMEY_POLICY_FILE',
  'JAMEY_RECEIPT_KEY_FILE',
  'JAMEY_SESSIONS_DIR',
  'JAMEY_EMBEDDINGS_KEY_FILE',
  'JAMEY_MEMORY_FILE',
  'JAMEY_MEMORY_PASSWORD_FILE',
  'JAMEY_DATA_DIR',
]

/** Settings that hold several paths, with commas between them. */
const PATHS_SETTINGS = ['JAMEY_HTTP_CRL']

/** The part of the environment that is meant for the services and not for their connection. */
export function serviceSettings(env: NodeJS.ProcessEnv, cwd: string): NodeJS.ProcessEnv {
  const settings = Object.entries(env).filter(([name, value]) => name.startsWith('JAMEY_') && value)
  return Object.fromEntries(settings.map(([name, value = '']) => [name, settingIn(cwd, name, value)]))
}

function settingIn(cwd: string, name: string, value: string): string {
  if (PATH_SETTINGS.includes(name)) return value === 'none' ? value : resolve(cwd, value)
  if (!PATHS_SETTINGS.includes(name)) return value
  const paths = value.split(',').map((path) => resolve(cwd, path.trim()))
  return paths.join(',')
}

/**
 * What is set in the environment, and of `defaults` what it leaves open. A variable that is set also closes
 * those that would contradict it: a URL of its own has its own port.
 */
export function completed(env: NodeJS.ProcessEnv, defaults: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // An empty variable counts as not set.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const closed = new Set(Object.keys(given).flatMap((name) => CLOSES[name] ?? []))
  const open = Object.entries(defaults).filter(([name]) => !closed.has(name))
  return { ...Object.fromEntries(open), ...given }
}

const CLOSES: Readonly<Record<string, readonly string[]>> = {
  MQTT_BROKER_URL: ['MQTT_PORT'],
  MQTT_TLS_CLIENT_CERT: ['MQTT_TLS_CLIENT_KEY'],
  MQTT_TLS_CLIENT_KEY: ['MQTT_TLS_CLIENT_CERT'],
  MQTT_JWT_SECRET: ['MQTT_JWT_SECRET_FILE'],
  MQTT_JWT_SECRET_FILE: ['MQTT_JWT_SECRET'],
  MQTT_TOKEN_URL: ['MQTT_JWT_SECRET', 'MQTT_JWT_SECRET_FILE'],
  JAMEY_MEMORY_URL: ['JAMEY_MEMORY_FILE'],
  JAMEY_BROKER_CERT: ['JAMEY_BROKER_KEY'],
  JAMEY_BROKER_KEY: ['JAMEY_BROKER_CERT'],
}
