import { certificatesOf, serverHostsOf } from '../install/certificate-facts.js'
import { displayPath, newDataDirectory, requireDataDirectory } from '../install/data-directory.js'
import { assertNewClientName } from '../install/new-client-name.js'
import { issueClient, issueServer } from '../install/provision.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import {
  formatCertificate,
  formatClientIssued,
  formatServerIssued,
  jsonFacts,
} from '../views/certificate-view.js'

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
