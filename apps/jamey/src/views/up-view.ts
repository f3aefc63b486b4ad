import { type DataDirectory, dataDirectoryOption, displayPath } from '../install/data-directory.js'
import { hostInUrl } from '../support/host-address.js'
import { VERSION } from '../support/version.js'
import type { Colors } from '../terminal/terminal.js'

export interface BannerFacts {
  readonly system: {
    readonly brokerAddress: { readonly host: string; readonly port: number }
    readonly url: string
  }
  readonly directory: DataDirectory
  readonly cwd: string
  readonly elapsedMs: number
  readonly colors: Colors
}

/** Says what runs where, and what to try next. */
export function formatBanner({ system, directory, cwd, elapsedMs, colors }: BannerFacts): string {
  const { host, port } = system.brokerAddress
  const path = displayPath(directory.path, cwd)
  const option = dataDirectoryOption(directory, cwd)
  const rows = [
    ['broker', `mqtts://${hostInUrl(host)}:${port}`, 'TLS 1.3, a token for everybody'],
    ['conscience', 'jamey-conscience', 'judges actions'],
    ['memory', 'jamey-memory', `remembers in ${displayPath(directory.data, cwd)}`],
    ['gateway', system.url, 'dashboard and HTTP API'],
  ] as const
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const table = rows.map(
    ([name, where, what]) =>
      `  ${colors.green('*')} ${name.padEnd(widths[0] ?? 0)}  ${colors.cyan(where.padEnd(widths[1] ?? 0))}  ${colors.dim(what)}`,
  )
  const ready = `ready in ${(elapsedMs / 1000).toFixed(2)} s`
  return [
    `${colors.bold(`jamey ${VERSION}`)}  ${ready}, everything in ${path}`,
    '',
    ...table,
    '',
    'Try next, in another terminal:',
    '',
    `  jamey evaluate${option} --tool Bash --arguments '{"command": "git push --force"}'`,
    `  jamey remember${option} --layer episodic --tag travel "We met in Lisbon in May"`,
    `  jamey recall${option} lisbon`,
    '',
    colors.dim('Ctrl-C stops everything.'),
  ].join('\n')
}

/** The first start makes everything; later ones say what exactly was missing or had to be renewed. */
export function formatWritten(written: readonly string[], path: string): string {
  return written.includes('ca.crt')
    ? `created ${path}: a certificate authority, certificates, a token secret; only you can read it`
    : `made anew in ${path}: ${written.join(', ')}`
}
