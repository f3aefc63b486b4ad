import { isIP } from 'node:net'
import type { Manifest } from '../model/manifest.js'
import type { BrokerFile, BrokerFiles, BrokerOptions } from './broker-files.js'
import { rulesOf } from './client-rules.js'
import {
  assertOptions,
  assertPlainPaths,
  cookieOf,
  fail,
  inFolder,
  serviceUrl,
  shellWord,
  shown,
} from './config-text.js'
import { erlangStartScript } from './erlang-start-script.js'
import { narrowingNotes, sharedNotes } from './shared-notes.js'
import { vernemqAcl } from './vernemq-acl.js'

const HOOKS = [
  'auth_on_register',
  'auth_on_publish',
  'auth_on_subscribe',
  'auth_on_register_m5',
  'auth_on_publish_m5',
  'auth_on_subscribe_m5',
  'on_auth_m5',
] as const

/**
 * VerneMQ 2. With tokens it asks the authorization service by webhooks; with certificates it goes by a file of rules
 * (`vmq_acl`) that it reads again by itself.
 */
export function vernemqFiles(manifest: Manifest, options: BrokerOptions): BrokerFiles {
  assertOptions(options)
  assertPlainPaths('VerneMQ', options)
  if (isIP(options.host) === 0) {
    fail(
      'option-unusable',
      `VerneMQ cannot listen at ${shown(options.host)}; expected an address, such as 127.0.0.1`,
    )
  }
  const isByCertificate = options.clientsBy === 'certificates'
  const acl: BrokerFile = { path: 'vmq.acl', text: isByCertificate ? vernemqAcl(manifest) : '' }
  const script = shellWord(inFolder(options, 'start.sh'))
  return {
    files: [
      { path: 'vernemq.conf', text: configOf(options), mode: 0o600 },
      ...(isByCertificate ? [acl] : []),
      { path: 'start.sh', text: startScript(options), mode: 0o700 },
    ],
    command: `sh ${script}`,
    checkCommand: `sh ${script} check`,
    notes: [
      ...(isByCertificate ? CERTIFICATE_NOTES : tokenNotes(options)),
      ...NOTES,
      ...(isByCertificate ? narrowingNotes(manifest.clients.map(rulesOf), 'VerneMQ') : []),
      ...sharedNotes(manifest, 'VerneMQ', { takesTokens: !isByCertificate, hasLimits: false }),
    ],
  }
}

const NOTES = [
  'Nobody who serves shows as a time-out: it has no reason code 0x10.',
  'It opens its listener before its plugins are ready: for a moment after a start clients hear 0x86, and try again.',
  'What waits for a client is kept on the node that it was connected to; a cluster needs addresses of its own for the listeners vmq and http, and a cookie that is the same everywhere.',
  'start.sh puts vernemq.conf where VerneMQ reads it: /etc/vernemq, or the folder in VERNEMQ_ETC_DIR. Where the package runs it as a user of its own, that user has to be able to read the certificates, and the folder.',
]

const CERTIFICATE_NOTES = [
  'Clients set MQTT_AUTH_METHOD=none. Our tokens mean nothing here: whoever holds a certificate of the authority may what vmq.acl says for its common name.',
  'Whoever has a certificate can connect under the client identifier of another client, which ends that connection and takes over what waits for it.',
  'It reads vmq.acl again within 10 seconds after it changed.',
]

function tokenNotes({ authorization }: BrokerOptions): readonly string[] {
  return [
    `The authorization service has to answer at ${authorization.url}: while it does not, nobody may connect, publish or subscribe.`,
    'Clients set MQTT_AUTH_METHOD=none, and connect again with their next token: it cannot tell who sends an AUTH.',
    'A token that ends is refused with the next publish or subscription; who only listens stays connected.',
    'Clients of MQTT 3.1.1 are disconnected on a publish that is denied; those of 5.0 hear 0x87.',
  ]
}

function configOf(options: BrokerOptions): string {
  return [listenerOf(options), accessOf(options), limitsOf(options)].join('\n')
}

function listenerOf({ tls, host, port, isMutualTls, clientsBy }: BrokerOptions): string {
  const isByCertificate = clientsBy === 'certificates'
  return `# MQTT over TLS 1.3 alone; the rest is for this machine.
listener.ssl.default = ${host}:${port}
listener.ssl.default.cafile = ${tls.ca}
listener.ssl.default.certfile = ${tls.cert}
listener.ssl.default.keyfile = ${tls.key}
listener.ssl.default.tls_version = tlsv1.3
listener.ssl.default.require_certificate = ${isMutualTls || isByCertificate ? 'on' : 'off'}
listener.ssl.default.use_identity_as_username = ${isByCertificate ? 'on' : 'off'}
listener.ssl.default.allowed_protocol_versions = 4,5
listener.max_connections = 10000
tcp_listen_options = [{nodelay, true}, {linger, {true, 0}}, {send_timeout, 30000}, {send_timeout_close, true}]
listener.vmq.clustering = 127.0.0.1:44053
listener.http.default = 127.0.0.1:8888
http_modules = [vmq_health_http, vmq_metrics_http]
`
}

function accessOf(options: BrokerOptions): string {
  const plugins = (on: string): string =>
    ['vmq_passwd', 'vmq_acl', 'vmq_webhooks', 'vmq_diversity', 'vmq_bridge']
      .map((name) => `plugins.${name} = ${name === on ? 'on' : 'off'}\n`)
      .join('')
  const head = '# Nobody without a proof, and nothing that is not allowed.\nallow_anonymous = off\n'
  if (options.clientsBy === 'certificates') {
    return `${head}# The certificate that this listener asks for is the proof; there is none besides.
listener.ssl.default.allow_anonymous_override = on
${plugins('vmq_acl')}vmq_acl.acl_file = ${inFolder(options, 'vmq.acl')}
vmq_acl.acl_reload_interval = 10
`
  }
  const isHttps = options.authorization.url.startsWith('https:')
  const https = `vmq_webhooks.cafile = ${options.tls.ca}\nvmq_webhooks.tls_version = tlsv1.3\nvmq_webhooks.verify_peer = on\n`
  return `${head}${plugins('vmq_webhooks')}vmq_webhooks.pool_max_connections = 100
${isHttps ? https : ''}${HOOKS.map((hook) => hookOf(hook, options)).join('')}`
}

function hookOf(hook: (typeof HOOKS)[number], options: BrokerOptions): string {
  const key = `vmq_webhooks.jamey_${hook}`
  const lines = [
    `${key}.hook = ${hook}`,
    `${key}.endpoint = ${serviceUrl(options, '/vernemq')}`,
    `${key}.response_timeout = 5000`,
    // The service decides by the topic, and a message can be larger than what it reads.
    ...(hook.startsWith('auth_on_publish') ? [`${key}.no_payload = on`] : []),
  ]
  return `${lines.join('\n')}\n`
}

function limitsOf(options: BrokerOptions): string {
  return `max_client_id_size = 128
max_message_size = 16777216
max_inflight_messages = 100
max_online_messages = 100000
max_offline_messages = 100000
persistent_client_expiration = 1w
topic_max_depth = 64
receive_max_broker = 1024
shared_subscription_policy = random

nodename = VerneMQ@127.0.0.1
# Whoever has it may do anything with the node.
distributed_cookie = ${cookieOf(options)}
log.console = console
log.console.level = info
`
}

function startScript({ folder }: BrokerOptions): string {
  return erlangStartScript({
    file: `${folder}/vernemq.conf`,
    variable: 'VERNEMQ_ETC_DIR',
    folder: '/etc/vernemq',
    name: 'vernemq.conf',
    check: 'vernemq chkconfig',
    serve: 'vernemq console -noshell -noinput',
  })
}
