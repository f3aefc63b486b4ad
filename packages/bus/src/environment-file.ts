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

/** After quotes nothing but a comment may follow; a value that only begins with one is taken as it stands. */
const LINES = new RegExp(
  [
    /^[ \t]*(?:export[ \t]+)?(?<name>[\w.-]+)[ \t]*=/,
    /(?:[ \t]*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|`(?<back>[^`]*)`)[ \t]*(?:#.*)?$|(?<plain>.*)$)/,
  ]
    .map(({ source }) => source)
    .join(''),
  'gm',
)
