import { COMPONENTS } from '@jamey/contracts'
import type { CertificateFacts } from '../install/certificate-facts.js'
import { displayPath } from '../install/data-directory.js'
import { plural } from '../support/quantities.js'
import type { Colors } from '../terminal/terminal.js'
import { formatWritten } from './up-view.js'

/** The server certificate as it is now, and whether it was issued just now. */
export function formatServerIssued(
  written: readonly string[],
  hosts: readonly string[],
  path: string,
): string {
  const certificate = `${path}/certs/server.crt is good for ${hosts.join(', ')}`
  if (written.length === 0) return `nothing to do: ${certificate}`
  return `${formatWritten(written, path)}\n${certificate}; what runs serves it within seconds`
}

/** The files that there are now, and what names them where the client runs. */
export function formatClientIssued(
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

/** One certificate in some lines. */
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

/** The same for scripts. */
export function jsonFacts(facts: CertificateFacts): Record<string, unknown> {
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
