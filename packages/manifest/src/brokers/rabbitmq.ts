import { isIP } from 'node:net'
import type { Manifest } from '../model/manifest.js'
import type { BrokerFile, BrokerFiles, BrokerOptions } from './broker-files.js'
import {
  assertOptions,
  assertPlainPaths,
  doubleQuoted,
  fail,
  inFolder,
  serviceUrl,
  shellWord,
  shown,
} from './config-text.js'
import { sharedNotes } from './shared-notes.js'

const PLUGINS = ['rabbitmq_mqtt', 'rabbitmq_auth_backend_http', 'rabbitmq_auth_backend_cache']
/**
 * Milliseconds for which it goes by a decision of the service: a token that ends in between is good for that much more.
 */
const CACHE_MS = 5_000
/** A week, as the sessions of the embedded broker. */
const SESSION_MS = 604_800_000

const CERTIFICATES =
  'The authorization service takes the word of the broker for certificates with JAMEY_AUTHZ_CERTIFICATES=rabbitmq, and decides by the manifest alone then (JAMEY_PERMISSIONS_FILE).'

/**
 * RabbitMQ 3.10, whose MQTT is 3.1.1: it asks the authorization service whether a client may connect, publish and
 * subscribe. With certificates the common name is the user, and the service decides by the manifest alone.
 */
export function rabbitMqFiles(manifest: Manifest, options: BrokerOptions): BrokerFiles {
  assertOptions(options)
  assertRabbitMq(options)
  return {
    files: [
      { path: 'rabbitmq.conf', text: configOf(options), mode: 0o600 },
      { path: 'enabled_plugins', text: `[${PLUGINS.join(',')}].\n`, comment: '%' },
      // The file takes the place of one that the machine may have.
      { path: 'advanced.config', text: advancedOf(options), comment: '%' },
      startScript(options),
    ],
    command: `sh ${shellWord(inFolder(options, 'start.sh'))}`,
    notes: [...notesOf(options), ...sharedNotes(manifest, 'RabbitMQ', abilitiesOf(options))],
  }
}

function abilitiesOf({ clientsBy }: BrokerOptions) {
  return { takesTokens: clientsBy === 'tokens', hasLimits: false }
}

function notesOf({ clientsBy, authorization, folder }: BrokerOptions): readonly string[] {
  const user = clientsBy === 'certificates' ? ' and MQTT_USERNAME=none' : ''
  return [
    ...(clientsBy === 'certificates' ? [CERTIFICATES] : []),
    `Clients set MQTT_PROTOCOL_VERSION=4, MQTT_SHARED_SUBSCRIPTIONS=false${user}.`,
    `The authorization service has to answer at ${authorization.url}: while it does not, nobody may connect, publish or subscribe beyond what was decided in the last ${CACHE_MS / 1000} s.`,
    'It has no share groups ($share/... is a plain topic, and is refused), so run one instance of each service; QoS 2 becomes 1.',
    'It ends the connection on what it denies. Retained messages come to subscriptions without wildcards alone, and only from the node they were published at.',
    'A topic that has a dot is the same to it as one with a slash there.',
    'A token that ends is refused with the next publish or subscription; who only listens stays connected.',
    `It reads rabbitmq.conf when it starts, and ends where something is wrong with it. Its own commands need the cookie: HOME=${shellWord(folder)} rabbitmqctl --node jamey@localhost status.`,
  ]
}

/** Throws for options that RabbitMQ, or its configuration, has no words for. */
function assertRabbitMq(options: BrokerOptions): void {
  const { host, authorization } = options
  if (isIP(host) === 0) {
    fail(
      'option-unusable',
      `RabbitMQ cannot listen at ${shown(host)}; expected an address, such as 127.0.0.1`,
    )
  }
  // Erlang looks for it among the names of the certificate that are no addresses.
  const { protocol, hostname } = new URL(authorization.url)
  if (protocol === 'https:' && isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) {
    const expected = 'expected a host name that its certificate has, such as localhost'
    fail(
      'option-unusable',
      `RabbitMQ cannot verify the certificate of ${shown(authorization.url)}; ${expected}`,
    )
  }
  assertPlainPaths('RabbitMQ', options)
}

function configOf(options: BrokerOptions): string {
  const { tls, host, port, isMutualTls, clientsBy } = options
  const isByCertificate = clientsBy === 'certificates'
  return `# MQTT over TLS alone: no AMQP, no management.
listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.1 = ${host}:${port}
mqtt.tcp_listen_options.backlog = 1024
mqtt.tcp_listen_options.nodelay = true

ssl_options.cacertfile = ${tls.ca}
ssl_options.certfile = ${tls.cert}
ssl_options.keyfile = ${tls.key}
ssl_options.versions.1 = tlsv1.3
${
  isMutualTls || isByCertificate
    ? 'ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true'
    : 'ssl_options.verify = verify_none'
}
mqtt.ssl_cert_login = ${isByCertificate}
${isByCertificate ? 'ssl_cert_login_from = common_name\n' : ''}
# Nobody without a proof, and nothing that the service does not allow.
mqtt.allow_anonymous = false
auth_backends.1 = cache
auth_cache.cached_backend = http
auth_cache.cache_ttl = ${CACHE_MS}
auth_http.http_method = post
auth_http.user_path = ${serviceUrl(options, '/rabbitmq/user')}
auth_http.vhost_path = ${serviceUrl(options, '/rabbitmq/vhost')}
auth_http.resource_path = ${serviceUrl(options, '/rabbitmq/resource')}
auth_http.topic_path = ${serviceUrl(options, '/rabbitmq/topic')}
auth_http.request_timeout = 5000
auth_http.connection_timeout = 5000

mqtt.vhost = /
mqtt.exchange = amq.topic
# What waits for a client is on disk, and on several nodes where there are some.
mqtt.durable_queue_type = quorum
mqtt.subscription_ttl = ${SESSION_MS}
mqtt.prefetch = 100
max_message_size = 16777216
raft.wal_max_size_bytes = 67108864
disk_free_limit.absolute = 256MB

log.console = true
log.console.level = info
log.file = false
`
}

/** The part that rabbitmq.conf has no words for in 3.10: whose certificate shows that it is the service. */
function advancedOf({ authorization, tls }: BrokerOptions): string {
  if (authorization.url.startsWith('http:')) return '[].\n'
  const options = `{cacertfile, ${doubleQuoted(tls.ca)}}, {verify, verify_peer}, {versions, ['tlsv1.3']}`
  return `[{rabbitmq_auth_backend_http, [{ssl_options, [${options}]}]}].\n`
}

/** The part that RabbitMQ takes from its environment alone; variables that are set already stay, for a second node. */
function startScript(options: BrokerOptions): BrokerFile {
  const text = `set -eu
umask 077
folder=${shellWord(options.folder)}
# Whoever has the cookie may do anything with the node.
if [ ! -e "$folder/.erlang.cookie" ]; then
  od -An -N32 -tx1 /dev/urandom | tr -d ' \\n' >"$folder/.erlang.cookie.new"
  chmod 400 "$folder/.erlang.cookie.new"
  mv "$folder/.erlang.cookie.new" "$folder/.erlang.cookie"
fi
export HOME="$folder"
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME="\${RABBITMQ_NODENAME:-jamey@localhost}"
export RABBITMQ_DIST_PORT="\${RABBITMQ_DIST_PORT:-25672}"
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf"
export RABBITMQ_ADVANCED_CONFIG_FILE="$folder/advanced.config"
export RABBITMQ_ENABLED_PLUGINS_FILE="$folder/enabled_plugins"
export RABBITMQ_MNESIA_BASE="$folder/data"
export RABBITMQ_LOG_BASE="$folder/log"
export RABBITMQ_LOGS=-
server=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$server" ] || server=rabbitmq-server
exec "$server" "$@"
`
  return { path: 'start.sh', text, mode: 0o700 }
}
