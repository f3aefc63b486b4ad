import { type CertificateFacts, certificatesOf } from '../certificate-facts.js'
import type { CommandContext, Outcome } from '../command-context.js'
import { displayPath, requireDataDirectory } from '../data-directory.js'
import { EXIT } from '../exit-codes.js'
import { plural } from '../memory-view.js'
import type { Colors } from '../terminal.js'

export interface CertsOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** Lists the certificates; reading them needs no running system. */
export async function certs(context: CommandContext, options: CertsOptions): Outcome {
  const { terminal, cwd } = context
  const directory = requireDataDirectory(cwd, options.dataDir)
  const certificates = certificatesOf(directory, context.now())
  for (const facts of certificates) {
    if (options.json) terminal.printJson(jsonFacts(facts))
    else terminal.print(`${formatCertificate(facts, cwd, terminal.colors)}\n`)
  }
  if (!options.json) terminal.print(terminal.colors.dim(RENEWAL))
  return EXIT.success
}

const RENEWAL = '`jamey up` renews a certificate that ends within 30 days.'

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
  if (!isTrusted) lines.push(`  ${colors.red('not signed by the authority of this folder')}`)
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
