/** Options as they were typed, by their names. */
export interface BrokerFlags {
  readonly config?: string
  readonly insecure?: boolean
  readonly host?: string
  readonly port?: number
  readonly cert?: string
  readonly key?: string
  readonly ca?: string
  readonly store?: string
  readonly tokenSecretFile?: string
  readonly jwksFile?: string
  readonly jwksUrl?: string
  readonly jwksCa?: string
  readonly audience?: string
  readonly manifest?: string
  readonly deniedFile?: string
  readonly crl?: string
  readonly issuer?: string
  /** Each `name=number`. */
  readonly limit?: readonly string[]
  readonly overflow?: string
  readonly sharedSubscriptions?: string
  readonly stampSenders?: string
  readonly refuseWhenFull?: string
  readonly logLevel?: string
  readonly graceMs?: string
  readonly serverReference?: string
}

export type SettingPath = readonly (string | number)[]

/** A setting that has an option and a variable; that of a listener means the first one. */
export interface Row {
  readonly path: SettingPath
  readonly flag: keyof BrokerFlags
  readonly option: string
  readonly variable: string
  readonly kind: 'text' | 'number' | 'path' | 'list' | 'paths'
}

export const ROWS: readonly Row[] = [
  row(['listeners', 0, 'host'], 'host', '--host', 'JAMEY_BROKER_HOST', 'text'),
  row(['listeners', 0, 'port'], 'port', '--port', 'JAMEY_BROKER_PORT', 'number'),
  row(['listeners', 0, 'tls', 'cert'], 'cert', '--cert', 'JAMEY_BROKER_CERT', 'path'),
  row(['listeners', 0, 'tls', 'key'], 'key', '--key', 'JAMEY_BROKER_KEY', 'path'),
  row(['listeners', 0, 'tls', 'ca'], 'ca', '--ca', 'JAMEY_BROKER_CA', 'path'),
  row(['store'], 'store', '--store', 'JAMEY_BROKER_STORE', 'path'),
  row(
    ['authentication', 'tokenSecretFile'],
    'tokenSecretFile',
    '--token-secret-file',
    'MQTT_JWT_SECRET_FILE',
    'path',
  ),
  row(['authentication', 'jwksFile'], 'jwksFile', '--jwks-file', 'MQTT_JWKS_FILE', 'path'),
  row(['authentication', 'jwksUrl'], 'jwksUrl', '--jwks-url', 'MQTT_JWKS_URL', 'text'),
  row(['authentication', 'jwksCa'], 'jwksCa', '--jwks-ca', 'MQTT_JWKS_CA_CERT', 'path'),
  row(['authentication', 'audience'], 'audience', '--audience', 'MQTT_JWT_AUDIENCE', 'list'),
  row(['authentication', 'issuers'], 'issuer', '--issuer', 'MQTT_JWT_ISSUER', 'list'),
  row(['manifest'], 'manifest', '--manifest', 'JAMEY_PERMISSIONS_FILE', 'path'),
  row(['deniedFile'], 'deniedFile', '--denied-file', 'JAMEY_DENIED_FILE', 'path'),
  row(['crlFiles'], 'crl', '--crl', 'JAMEY_BROKER_CRL', 'paths'),
  row(['overflow'], 'overflow', '--overflow', 'JAMEY_BROKER_OVERFLOW', 'text'),
  row(
    ['sharedSubscriptions'],
    'sharedSubscriptions',
    '--shared-subscriptions',
    'JAMEY_BROKER_SHARED_SUBSCRIPTIONS',
    'text',
  ),
  row(['stampSenders'], 'stampSenders', '--stamp-senders', 'JAMEY_BROKER_STAMP_SENDERS', 'list'),
  row(['refuseWhenFull'], 'refuseWhenFull', '--refuse-when-full', 'JAMEY_BROKER_REFUSE_WHEN_FULL', 'list'),
  row(['logLevel'], 'logLevel', '--log-level', 'JAMEY_LOG_LEVEL', 'text'),
  row(['shutdown', 'graceMs'], 'graceMs', '--grace-ms', 'JAMEY_BROKER_GRACE_MS', 'number'),
  row(
    ['shutdown', 'serverReference'],
    'serverReference',
    '--server-reference',
    'JAMEY_BROKER_SERVER_REFERENCE',
    'text',
  ),
]

function row(
  path: SettingPath,
  flag: keyof BrokerFlags,
  option: string,
  variable: string,
  kind: Row['kind'],
): Row {
  return { path, flag, option, variable, kind }
}

/** `listeners[1].tls.cert` */
export function textOf(path: SettingPath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  )
}

/** The other ways in which a missing setting can be said. */
export function waysTo(path: SettingPath, found: unknown): string {
  const row = ROWS.find((candidate) => textOf(candidate.path) === textOf(path))
  return row === undefined || found !== undefined ? '' : ` (${row.option}, ${row.variable})`
}
