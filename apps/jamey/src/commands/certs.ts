import { COMPONENTS } from '@jamey/contracts'
import { type CertificateFacts, certificatesOf, serverHostsOf } from '../install/certificate-facts.js'
import { displayPath, newDataDirectory, requireDataDirectory } from '../install/data-directory.js'
import { assertNewClientName } from '../install/new-client-name.js'
import { issueClient, issueServer } from '../install/provision.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import type { Colors } from '../terminal/terminal.js'
import { formatWritten } from '../views/up-view.js'

export interface CertsOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** Lists the certificates; reading them needs no running system. */
export async function certs(context: CommandContext, options: CertsOptions): Outcome {
  const { terminal, cwd } = context
  const directory = requireDataDirectory(cwd, options.dataDir, 'files')
  const readings = certificatesOf(directory, context.now())
  for (const reading of readings) {
    if ('fault' in reading) terminal.fail(reportOf(reading.fault), options.json === true)
    else if (options.json) terminal.printJson(jsonFacts(reading.facts))
    else terminal.print(`${formatCertificate(reading.facts, cwd, terminal.colors)}\n`)
  }
  if (!options.json) terminal.print(terminal.colors.dim(terminal.asStarted(RENEWAL)))
  return readings.some((reading) => 'fault' in reading) ? EXIT.other : EXIT.success
}

const RENEWAL =
  '`jamey up`, and a broker beside ca.key, renew what ends within 30 days; `jamey certs renew` does so now.'

export interface IssueOptions extends CertsOptions {
  readonly server?: boolean
  readonly host?: readonly string[]
}

/** A certificate for a client elsewhere, or a server certificate for further hosts. */
export async function issue(
  context: CommandContext,
  name: string | undefined,
  options: IssueOptions,
): Outcome {
  const { terminal, cwd } = context
  const isServer = options.server === true
  if (isServer === (name !== undefined) || isServer !== (options.host !== undefined)) {
    throw new CommandFailure('give the client identifier of a client, or --server with --host', {
      code: 'issue-ambiguous',
      exitCode: EXIT.usage,
      hint: 'such as `jamey certs issue worker-1`, or `jamey certs issue --server --host broker.example.org`',
    })
  }
  const directory =
    isServer && options.dataDir !== undefined
      ? newDataDirectory(cwd, options.dataDir)
      : requireDataDirectory(cwd, options.dataDir, 'files')
  const shown = (path: string) => displayPath(path, cwd)
  if (name === undefined) {
    const { written, repaired } = await issueServer(directory, options.host ?? [])
    for (const repair of repaired) terminal.warn(repair)
    const hosts = serverHostsOf(directory)
    if (options.json) terminal.printJson({ written, hosts, certificate: directory.serverCertificate })
    else terminal.print(formatServerIssued(written, hosts, shown(directory.path)))
    return EXIT.success
  }
  const issued = certificatesOf(directory, context.now()).flatMap((reading) =>
    'facts' in reading && reading.facts.role === 'client' ? [reading.facts.name] : [],
  )
  assertNewClientName(name, issued)
  const { written } = await issueClient(directory, name)
  const certificate = directory.clientCertificate(name)
  const key = directory.clientKey(name)
  const authority = directory.caCertificate
  if (options.json) terminal.printJson({ written, certificate, key, authority })
  else terminal.print(formatClientIssued(name, written, { certificate, key, authority }, shown))
  return EXIT.success
}

function formatServerIssued(written: readonly string[], hosts: readonly string[], path: string): string {
  const certificate = `${path}/certs/server.crt is good for ${hosts.join(', ')}`
  if (written.length === 0) return `nothing to do: ${certificate}`
  return `${formatWritten(written, path)}\n${certificate}; what runs serves it within seconds`
}

/** Says which files there are now, and what names them where the client runs. */
function formatClientIssued(
  name: string,
  written: readonly string[],
  files: { readonly certificate: string; readonly key: string; readonly authority: string },
  shown: (path: string) => string,
): string {
  const certificate = shown(files.certificate)
  return [
    written.length > 0
      ? `issued ${certificate}`
      : `nothing to do: ${certificate} is good for more than 30 days`,
    '',
    'With copies of the three files where that client runs:',
    `  MQTT_CLIENT_ID=${name}`,
    `  MQTT_TLS_CLIENT_CERT=${certificate}`,
    `  MQTT_TLS_CLIENT_KEY=${shown(files.key)}`,
    `  MQTT_TLS_CA_CERT=${shown(files.authority)}`,
    ...permissionLines(name),
  ].join('\n')
}

/** Lines about permissions: without any a client may do nothing; the parts of Jamey have theirs. */
function permissionLines(name: string): readonly string[] {
  if (Object.values(COMPONENTS).some(({ clientId }) => clientId === name)) return []
  return [
    `  MQTT_PERMISSIONS=publish:${name}/#,subscribe:${name}/#`,
    '',
    'The last line is an example: it lists all that this client may use.',
  ]
}

export function formatCertificate(facts: CertificateFacts, cwd: string, colors: Colors): string {
  const { role, name, daysLeft, validTo, hosts, isTrusted } = facts
  const left =
    daysLeft < 0
      ? colors.red(`ended ${plural(-daysLeft, 'day', 'days')} ago`)
      : daysLeft <= 30
        ? colors.yellow(`${plural(daysLeft, 'day', 'days')} left`)
        : `${plural(daysLeft, 'day', 'days')} left`
  const lines = [
    `${role.padEnd(9)}  ${colors.bold(name)}`,
    `  valid to     ${validTo.toISOString().slice(0, 10)}, ${left}`,
    ...(hosts.length > 0 ? [`  hosts        ${hosts.join(', ')}`] : []),
    `  file         ${displayPath(facts.path, cwd)}`,
    `  fingerprint  ${colors.dim(facts.fingerprint)}`,
  ]
  if (isTrusted === false) lines.push(`  ${colors.red('not signed by the authority of this folder')}`)
  return lines.join('\n')
}

function jsonFacts(facts: CertificateFacts): Record<string, unknown> {
  return {
    role: facts.role,
    name: facts.name,
    hosts: facts.hosts,
    valid_from: facts.validFrom.toISOString(),
    valid_to: facts.validTo.toISOString(),
    days_left: facts.daysLeft,
    fingerprint: facts.fingerprint,
    trusted: facts.isTrusted,
    path: facts.path,
  }
}
