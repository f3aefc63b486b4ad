import type { Manifest } from '../model/manifest.js'
import type { BrokerFiles, BrokerOptions } from './broker-files.js'
import { assertOptions, cookieOf, doubleQuoted, hostAndPort, inFolder, shellWord } from './config-text.js'
import { erlangStartScript } from './erlang-start-script.js'
import { sharedNotes } from './shared-notes.js'

/** Seconds for which it goes by a decision of the service about a topic; never beyond the connection. */
const CACHE_SECONDS = 10
/** Fields in the order in which they are sent. EMQX fills in what is between braces. */
const CONNECT_FIELDS = {
  username: 'username',
  password: 'password',
  clientid: 'clientid',
  peerhost: 'peerhost',
  cn: 'cert_common_name',
}
const TOPIC_FIELDS = {
  username: 'username',
  clientid: 'clientid',
  peerhost: 'peerhost',
  action: 'action',
  topic: 'topic',
  qos: 'qos',
  retain: 'retain',
  grant: 'client_attrs.grant',
}

/**
 * EMQX 5.8: it asks the authorization service about connections and topics, and ends a connection with its token. With
 * certificates the common name is the user, and the service decides by the manifest alone.
 */
export function emqxFiles(manifest: Manifest, options: BrokerOptions): BrokerFiles {
  assertOptions(options)
  const isByCertificate = options.clientsBy === 'certificates'
  const script = shellWord(inFolder(options, 'start.sh'))
  return {
    files: [
      { path: 'emqx.conf', text: configOf(options), mode: 0o600 },
      { path: 'start.sh', text: startScript(options), mode: 0o700 },
    ],
    command: `sh ${script}`,
    checkCommand: `sh ${script} check`,
    notes: [
      ...(isByCertificate ? [CERTIFICATES] : []),
      `The authorization service has to answer at ${options.authorization.url}: while it does not, nobody may connect, publish or subscribe beyond what was decided in the last ${CACHE_SECONDS} s.`,
      ...NOTES,
      ...sharedNotes(manifest, 'EMQX', { takesTokens: !isByCertificate, hasLimits: false }),
    ],
  }
}

const CERTIFICATES =
  'The authorization service takes the word of the broker for certificates with JAMEY_AUTHZ_CERTIFICATES=emqx, and decides by the manifest alone then (JAMEY_PERMISSIONS_FILE).'

const NOTES = [
  'Clients set MQTT_AUTH_METHOD=none: it takes a token with CONNECT alone, and ends the connection when that ends.',
  'About a shared subscription it asks as about one without a group: whoever may subscribe to a filter may join every group at it.',
  'Sessions and what waits in them are in memory, and lost with their node; retained messages are on disk. durable_sessions.enable = true keeps sessions on disk, and was not tried.',
  'A change of authentication, authorization or listeners through its dashboard or API would be kept in data/configs/cluster.hocon, and emqx.conf goes before it; the dashboard is off.',
  'start.sh puts emqx.conf where EMQX reads it: /etc/emqx, or the folder in EMQX_CONF_DIR. Where the package runs it as a user of its own, that user has to be able to read the certificates, and to write the folder.',
]

function configOf(options: BrokerOptions): string {
  return [nodeOf(options), listenersOf(options), accessOf(options), LIMITS].join('\n')
}

function nodeOf(options: BrokerOptions): string {
  return `node {
  name = "emqx@127.0.0.1"
  # Whoever has it may do anything with the node.
  cookie = ${doubleQuoted(cookieOf(options))}
  data_dir = ${doubleQuoted(inFolder(options, 'data'))}
}
cluster { name = jamey, discovery_strategy = manual }
rpc { listen_address = "127.0.0.1" }
dashboard { listeners { http { bind = 0 } } }
telemetry { enable = false }
log { console { enable = true, level = info }, file { default { enable = false } } }
`
}

function listenersOf(options: BrokerOptions): string {
  const { tls, isMutualTls, clientsBy } = options
  const isByCertificate = clientsBy === 'certificates'
  const verify = isMutualTls || isByCertificate
  return `# MQTT over TLS 1.3 alone.
listeners {
  tcp { default { enable = false } }
  ws { default { enable = false } }
  wss { default { enable = false } }
  ssl {
    default {
      enable = true
      bind = ${doubleQuoted(hostAndPort(options))}
      max_connections = 10000
      tcp_options { nodelay = true, backlog = 1024 }
      ssl_options {
        cacertfile = ${doubleQuoted(tls.ca)}
        certfile = ${doubleQuoted(tls.cert)}
        keyfile = ${doubleQuoted(tls.key)}
        versions = ["tlsv1.3"]
        verify = ${verify ? 'verify_peer' : 'verify_none'}
        fail_if_no_peer_cert = ${verify}
      }
    }
  }
}
mqtt { peer_cert_as_username = ${isByCertificate ? 'cn' : 'disabled'} }
`
}

function accessOf(options: BrokerOptions): string {
  return `# Nobody without a proof: this is the only one who is asked.
authentication = [
  {
    mechanism = password_based
    backend = http
${requestOf('/emqx/authenticate', CONNECT_FIELDS, options)}
  }
]
# Nothing that the service does not allow; the shipped acl.conf, which allows everything, is not among the sources.
authorization {
  no_match = deny
  deny_action = ignore
  cache { enable = true, max_size = 128, ttl = "${CACHE_SECONDS}s" }
  sources = [
    {
      type = http
      enable = true
${requestOf('/emqx/authorize', TOPIC_FIELDS, options).replace(/^/gm, '  ')}
    }
  ]
}
`
}

function requestOf(path: string, fields: Readonly<Record<string, string>>, options: BrokerOptions): string {
  const { authorization, tls } = options
  const { origin, protocol } = new URL(authorization.url)
  const bearer =
    authorization.secret === undefined
      ? []
      : [`authorization = ${doubleQuoted(`Bearer ${authorization.secret}`)}`]
  const body = Object.entries(fields).map(([name, value]) => `${name} = ${doubleQuoted(`\${${value}}`)}`)
  const lines = [
    'method = post',
    `url = ${doubleQuoted(origin + path)}`,
    `headers { ${['"content-type" = "application/json"', ...bearer].join(', ')} }`,
    `body { ${body.join(', ')} }`,
    'pool_size = 16',
    'request_timeout = "5s"',
    protocol === 'https:'
      ? `ssl { enable = true, cacertfile = ${doubleQuoted(tls.ca)}, verify = verify_peer, versions = ["tlsv1.3"] }`
      : 'ssl { enable = false }',
  ]
  return lines.map((line) => `    ${line}`).join('\n')
}

const LIMITS = `mqtt {
  max_packet_size = "16MB"
  max_clientid_len = 128
  max_topic_levels = 64
  max_topic_alias = 64
  max_inflight = 128
  max_mqueue_len = 100000
  session_expiry_interval = "7d"
  shared_subscription = true
  shared_subscription_strategy = round_robin
}
retainer { enable = true, backend { type = built_in_database, storage_type = disc } }
`

function startScript({ folder }: BrokerOptions): string {
  return erlangStartScript({
    file: `${folder}/emqx.conf`,
    variable: 'EMQX_CONF_DIR',
    folder: '/etc/emqx',
    name: 'emqx.conf',
    check: 'emqx check_config',
    serve: 'emqx foreground',
  })
}
