import { covers, overlaps } from '@jamey/protocol'
import type { Manifest } from '../model/manifest.js'
import type { BrokerFiles, BrokerOptions } from './broker-files.js'
import { type ClientRules, INBOXES, rulesOf, STATUSES } from './client-rules.js'
import { assertOptions, doubleQuoted, fail, hostAndPort, inFolder, shellWord, shown } from './config-text.js'
import { narrowed } from './narrowed.js'
import { narrowingNotes, sharedNotes } from './shared-notes.js'

/** The cipher suites of TLS 1.3 alone: NATS has no option for the least version, and without a common one 1.2 fails. */
const CIPHER_SUITES = ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256']
/** Messages of QoS 1 reach a subscriber by a subject of this form; nobody can subscribe to it as a topic. */
const DELIVERY = '$MQTT.sub.>'

/**
 * NATS 2.9, whose MQTT is 3.1.1: certificates tell who connects, and each client has the subjects of its permissions. It
 * knows no tokens of ours and no share groups.
 */
export function natsFiles(manifest: Manifest, options: BrokerOptions): BrokerFiles {
  assertOptions(options)
  const rules = manifest.clients.map(rulesOf)
  const config = inFolder(options, 'nats.conf')
  return {
    files: [{ path: 'nats.conf', text: configOf(rules, options) }],
    command: `nats-server -c ${shellWord(config)}`,
    checkCommand: `nats-server -t -c ${shellWord(config)}`,
    notes: [
      ...NOTES,
      ...narrowingNotes(rules, 'NATS'),
      ...sharedNotes(manifest, 'NATS', { takesTokens: false, hasLimits: false }),
    ],
  }
}

const NOTES = [
  'Clients set MQTT_PROTOCOL_VERSION=4, MQTT_SHARED_SUBSCRIPTIONS=false and MQTT_USERNAME=none: the certificate names the user, and any user name is refused. Our tokens mean nothing to NATS.',
  'It has no share groups, so run one instance of each service; and no QoS 2: a publish of it ends the connection.',
  'Whoever has a certificate can connect under the client identifier of another client, which ends that connection; it gets none of its messages, and can publish under its own name alone.',
  'What it denies to a publisher it acknowledges all the same and drops; its log says so.',
  'Its port for its own clients is open at 127.0.0.1 under a number that changes, and lets no user of this file in.',
  'After a change of the manifest: write the files again, then nats-server --signal reload. No connection ends.',
  'User JWTs of NATS (operator mode), for which our tokens could be exchanged, are not made here.',
]

function configOf(rules: readonly ClientRules[], options: BrokerOptions): string {
  return `server_name: "jamey"

# For clients of NATS itself, who have no business here: loopback, any free port, and no user may come this way.
listen: "127.0.0.1:-1"
${tls(options, '')}

# Sessions, retained messages and what waits for clients.
jetstream {
  store_dir: ${doubleQuoted(inFolder(options, 'jetstream'))}
}

mqtt {
  listen: ${doubleQuoted(hostAndPort(options))}
  # What a connection left unacknowledged comes again only after this time.
  ack_wait: "2s"
${tls(options, '  ')}
}

# Whoever is not named here is refused, and what is not listed is denied.
authorization {
  users: [
${rules.map(userOf).join('\n')}
  ]
}
`
}

function tls({ tls: { ca, cert, key } }: BrokerOptions, indent: string): string {
  const lines = [
    'tls {',
    `  cert_file: ${doubleQuoted(cert)}`,
    `  key_file: ${doubleQuoted(key)}`,
    `  ca_file: ${doubleQuoted(ca)}`,
    '  verify_and_map: true',
    `  cipher_suites: [${CIPHER_SUITES.map(doubleQuoted).join(', ')}]`,
    '}',
  ]
  return lines.map((line) => indent + line).join('\n')
}

function userOf(rules: ClientRules): string {
  const { clientId, publish, subscribe } = rules
  // Filters are checked before they are narrowed: what is refused is refused whole.
  for (const filter of [...publish, ...subscribe]) assertExpressible(filter, clientId)
  assertNoSum(subscribe, clientId)
  const mayPublish = narrowed(publish, STATUSES, rules).flatMap(subjectsOf)
  const maySubscribe = narrowed(subscribe, INBOXES, rules).flatMap(subjectsOf)
  return `    {
      user: ${doubleQuoted(`CN=${distinguished(clientId)}`)}
      allowed_connection_types: ["MQTT"]
      permissions: {
        publish: { allow: ${list(mayPublish)} }
        subscribe: { allow: ${list([...maySubscribe, DELIVERY])} }
      }
    }`
}

function list(subjects: readonly string[]): string {
  return `[\n${[...new Set(subjects)].map((subject) => `          ${doubleQuoted(subject)}\n`).join('')}        ]`
}

/** Throws for what NATS would refuse, or take for something wider. */
function assertExpressible(filter: string, clientId: string): void {
  const levels = filter.split('/')
  const fault = levels.map(faultOfLevel).find((each) => each !== undefined) ?? faultOfFirst(levels[0] ?? '')
  if (fault === undefined) return
  fail('not-expressible', `NATS cannot enforce ${shown(filter)} of ${shown(clientId)}: ${fault}`)
}

/**
 * A subscription to `a/#` is one to `a` and one to `a.>` there, and `*` also stands for a token `>`: so the rights `a` and
 * `a/+` together would let in `a/#`, which neither covers.
 */
function assertNoSum(filters: readonly string[], clientId: string): void {
  for (const filter of filters) {
    const [, parent] = /^(.+)\/\+(?:\/#)?$/.exec(filter) ?? []
    if (parent === undefined) continue
    const other = filters.find((each) => overlaps(each, parent) && !covers(each, `${parent}/#`))
    if (other === undefined) continue
    const sum = `${shown(filter)} and ${shown(other)}`
    const why = `together they would let subscribe to ${shown(`${parent}/#`)}; list that, or leave one of them out`
    fail('not-expressible', `NATS cannot enforce ${sum} of ${shown(clientId)}: ${why}`)
  }
}

/** `a/+/#` as `a.*` and `a.*.>`, since `>` does not stand for the level before it. An empty level is a token `/`. */
function subjectsOf(filter: string): readonly string[] {
  const levels = filter.split('/')
  const tokens = levels.map((level) =>
    level === '' ? '/' : level === '+' ? '*' : level === '#' ? '>' : level,
  )
  const subject = tokens.join('.')
  return tokens.at(-1) === '>' ? [tokens.slice(0, -1).join('.'), subject] : [subject]
}

function faultOfLevel(level: string): string | undefined {
  if (level === '*' || level === '>') return `its level ${shown(level)} is a wildcard there; rename the topic`
  const [found] = /[.\s\p{Cc}]/u.exec(level) ?? []
  return found === undefined
    ? undefined
    : `it takes no ${shown(found)} in a topic; rename the topic, or the client`
}

/** There `#` and `+` stand for `$MQTT` and `$JS`, too, where everybody's messages are kept. */
function faultOfFirst(level: string): string | undefined {
  if (level === '#' || level === '+')
    return `a wildcard as the first level selects its own $-topics; name the level, as in jamey/#`
  return level.startsWith('$') ? 'topics that start with $ are its own; remove it' : undefined
}

/** A common name as it stands in a distinguished name. RFC 4514, section 2.4 */
function distinguished(name: string): string {
  return name.replace(/[,+"\\<>;]|^[# ]| $/g, '\\$&')
}
