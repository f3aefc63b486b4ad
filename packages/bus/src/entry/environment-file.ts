import { dirname } from 'node:path'
import { readOwnFile } from '@jamey/auth'

const MAXIMUM_BYTES = 1_048_576
/** Variables whose values nobody else may know. */
const SECRETS = ['MQTT_JWT_SECRET', 'MQTT_TLS_CLIENT_KEY_PASSPHRASE']

/**
 * The variables of the file at `path`, which nobody but this user and root can have put there, not by a link either;
 * with a secret among them only where nobody else can read it. Throws `OwnershipError`, or the system's error.
 */
export function readEnvironmentFile(path: string): Record<string, string> {
  const options = { maximumBytes: MAXIMUM_BYTES, within: dirname(path) }
  const variables = parseEnvironmentFile(readOwnFile(path, options))
  if (SECRETS.some((name) => variables[name])) readOwnFile(path, { ...options, isSecret: true })
  return variables
}

/**
 * The variables of a file such as `.env`: `NAME=value` a line, with or without `export`. `#` begins a comment at the
 * beginning of a line and after white space only, as in a shell, so that MQTT filters need no quotes; what is between
 * quotes (' " `) is taken as it stands, over several lines, too, with `\n` for a new line between double ones. Other
 * lines are passed over.
 */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const { groups = {} } of text
    .replace(/^\ufeff/, '')
    .replaceAll(/\r\n?/g, '\n')
    .matchAll(LINES)) {
    const { name = '', double, single, back, plain = '' } = groups
    const quoted = double?.replaceAll('\\n', '\n') ?? single ?? back
    variables[name] = quoted ?? plain.replace(/\s#.*$/, '').trim()
  }
  return variables
}

/** Nothing but a comment may follow quotes; a value that only begins with one is taken as it stands. */
const LINES = new RegExp(
  [
    /^[ \t]*(?:export[ \t]+)?(?<name>[\w.-]+)[ \t]*=/,
    /(?:[ \t]*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|`(?<back>[^`]*)`)[ \t]*(?:#.*)?$|(?<plain>.*)$)/,
  ]
    .map(({ source }) => source)
    .join(''),
  'gm',
)
