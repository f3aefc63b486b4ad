import type { Manifest } from '../model/manifest.js'
import type { BrokerFile, BrokerFiles, BrokerOptions } from './broker-files.js'
import { type ClientRules, INBOXES, rulesOf, STATUSES } from './client-rules.js'
import { assertOptions, fail, inFolder, shellWord, shown } from './config-text.js'
import { narrowed } from './narrowed.js'
import { sharedNotes } from './shared-notes.js'

/** Path at which `make -C deploy/mosquitto install` puts the plugin. */
const PLUGIN = '/usr/local/lib/mosquitto/jamey_mosquitto.so'
/** Topics for which the plugin tells who sent a message. */
const STAMPED = 'jamey/#'
/** Levels of a topic that Mosquitto takes. */
const MAXIMUM_LEVELS = 200

/**
 * Mosquitto 2.0. By tokens: our plugin (`deploy/mosquitto`) decides, and everything holds. By certificates: the common
 * name is the client identifier, and an access list has the manifest's permissions; it knows no share groups.
 */
export function mosquittoFiles(manifest: Manifest, options: BrokerOptions): BrokerFiles {
  assertOptions(options)
  assertPaths(options)
  const isByTokens = options.clientsBy === 'tokens'
  const config = { path: 'mosquitto.conf', text: configOf(options) }
  return {
    files: isByTokens ? [config] : [config, accessList(manifest.clients.map(rulesOf))],
    command: `mosquitto -c ${shellWord(inFolder(options, config.path))}`,
    notes: [
      ...(isByTokens ? TOKEN_NOTES : certificateNotes(manifest)),
      'It takes no more than it can hold: 16 MiB for a message, 10 000 messages and 64 MiB for a session that waits, which is forgotten after 7 days.',
      'Started by root it becomes the user mosquitto, who has to be able to read all files that mosquitto.conf names, and to write to this folder.',
      ...sharedNotes(manifest, 'Mosquitto', { takesTokens: isByTokens, hasLimits: false }),
    ],
  }
}

const TOKEN_NOTES = [
  `The plugin is made by make -C deploy/mosquitto, and put at ${PLUGIN} by make -C deploy/mosquitto install. Permissions are those of each token, and what this manifest grants binds only whoever makes tokens of it.`,
  `Clients set MQTT_SERVER_STAMPS=${STAMPED}: the plugin tells who sent a message, and cannot say so in CONNACK. Without it they tell it by the topic, as with any other broker.`,
  'The folder has to be without mosquitto.db at its first start: what was stored without the plugin may name senders that were none.',
  'After a change of the token secret: SIGHUP. No connection ends.',
]

function certificateNotes({ clients }: Manifest): readonly string[] {
  const wide = clients.map(rulesOf).filter((rules) => rules.reachesInboxes || rules.reachesStatuses)
  const names = wide.map(({ clientId }) => shown(clientId)).join(', ')
  return [
    'Clients set MQTT_AUTH_METHOD=none and MQTT_SHARED_SUBSCRIPTIONS=false. Our tokens mean nothing to it, and so nothing ends with them: who is to be kept out needs a revoked certificate (crlfile), or no lines in jamey.acl.',
    'Its rules know no share groups. It grants every subscription, also one to a share group, and delivers what is permitted: a member without the right makes the messages whose turn it is be lost. So run one instance of each service, and give certificates to nobody else than the clients of this manifest.',
    'A denied subscription is granted and brings nothing.',
    ...(wide.length === 0
      ? []
      : [
          `Permissions that select what belongs to others, such as jamey/#, stand here as the parts that hold our topics, for Mosquitto would deliver the answers of others, too: ${names}. List further topics below jamey/ by name.`,
        ]),
    'After a change of the manifest: write the files again, then SIGHUP. No connection ends.',
  ]
}

function configOf(options: BrokerOptions): string {
  const { host, port, tls, isMutualTls, clientsBy } = options
  const isByTokens = clientsBy === 'tokens'
  return `# One way in, and nobody without a proof.
per_listener_settings false
allow_anonymous false
allow_zero_length_clientid false
${isByTokens ? pluginLines(options) : `acl_file ${inFolder(options, 'jamey.acl')}\n`}
# Sessions, retained messages and what waits for clients.
persistence true
persistence_location ${inFolder(options, '/')}
autosave_interval 60
persistent_client_expiration 7d
max_inflight_messages 100
max_queued_messages 10000
max_queued_bytes 67108864
message_size_limit 16777216
max_packet_size 17825792
set_tcp_nodelay true

log_dest stderr
log_timestamp_format %Y-%m-%dT%H:%M:%S

listener ${port} ${host}
max_connections 10000
tls_version tlsv1.3
cafile ${tls.ca}
certfile ${tls.cert}
keyfile ${tls.key}
require_certificate ${isMutualTls || !isByTokens}
${isByTokens ? '' : CERTIFICATE_LINES}`
}

const CERTIFICATE_LINES = `# The common name, and no other client identifier than that.
use_identity_as_username true
use_username_as_clientid true
`

function pluginLines({ tokenSecretFile }: BrokerOptions): string {
  if (tokenSecretFile === undefined) {
    fail('option-unusable', 'the file of the token secret is missing, which the plugin of Mosquitto reads')
  }
  return `plugin ${PLUGIN}
plugin_opt_token_secret_file ${tokenSecretFile}
plugin_opt_stamp ${STAMPED}
# Who published what is retained was asked about when it came.
check_retain_source false
`
}

/** A line each, for its user alone: whoever has no lines may nothing. */
function accessList(rules: readonly ClientRules[]): BrokerFile {
  const blocks = rules.map((client) => {
    const { clientId, publish, subscribe, shares } = client
    assertExpressible('the client identifier', clientId, clientId)
    const received = [...subscribe, ...shares.map(({ filter }) => filter)]
    for (const filter of [...publish, ...received]) assertExpressible('a permission', filter, clientId)
    const lines = [
      ...narrowed(received, INBOXES, client).map((filter) => `topic read ${filter}`),
      ...narrowed(publish, STATUSES, client).map((filter) => `topic write ${filter}`),
    ]
    return `user ${clientId}\n${[...new Set(lines)].join('\n')}\n`
  })
  return { path: 'jamey.acl', text: blocks.join('\n') }
}

/** Throws for what would be another line, or another filter, than it is. */
function assertExpressible(what: string, text: string, clientId: string): void {
  const fault = faultOf(text)
  if (fault === undefined) return
  fail(
    'not-expressible',
    `Mosquitto cannot enforce ${what} ${shown(text)} of ${shown(clientId)}: it ${fault}`,
  )
}

function faultOf(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return 'has a control character; rename it'
  // Mosquitto's own trimming knows no other white space.
  if (text.trim() !== text) return 'begins or ends with white space; rename it'
  return text.split('/').length > MAXIMUM_LEVELS ? `has more than ${MAXIMUM_LEVELS} levels` : undefined
}

/** Mosquitto takes the rest of a line as the value, without quotes or escapes. */
function assertPaths({ folder, tls, tokenSecretFile = '' }: BrokerOptions): void {
  for (const [name, path] of Object.entries({ folder, ...tls, tokenSecretFile })) {
    if (path.trim() === path) continue
    fail(
      'option-unusable',
      `the path of ${name} ${shown(path)} begins or ends with white space; expected none`,
    )
  }
}
