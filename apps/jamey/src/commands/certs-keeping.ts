import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  finishRotation,
  prepareAuthority,
  REVOCATION_REASONS,
  type Renewal,
  type RevocationReason,
  type RotationStage,
  renewCertificates,
  revokeCertificate,
  revokeForeignFile,
  rotationStage,
  switchAuthority,
} from '@jamey/auth/authority'
import { serverHostsOf } from '../install/certificate-facts.js'
import {
  type DataDirectory,
  DIRECTORY_NAME,
  displayPath,
  newDataDirectory,
  readDataFile,
  requireDataDirectory,
} from '../install/data-directory.js'
import { CERTIFIED_CLIENTS, issueClient, issueServer } from '../install/provision.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { formatWritten } from '../views/up-view.js'

export interface KeepingOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** Makes all that a system needs, for `hosts`; files that are there stay. */
export async function init(
  context: CommandContext,
  { host = [], json, dataDir = DIRECTORY_NAME }: KeepingOptions & { readonly host?: readonly string[] },
): Outcome {
  const { terminal, cwd } = context
  const directory = newDataDirectory(cwd, dataDir)
  const { written, repaired } = await issueServer(directory, host)
  for (const repair of repaired) terminal.warn(repair)
  const hosts = serverHostsOf(directory)
  const path = displayPath(directory.path, cwd)
  if (json) terminal.printJson({ written, hosts, authority: directory.caCertificate })
  else if (written.length === 0)
    terminal.print(`nothing to do: ${path} has an authority, good for ${hosts.join(', ')}`)
  else
    terminal.print(
      `${formatWritten(written, path)}\nthe broker's certificate is good for ${hosts.join(', ')}`,
    )
  return EXIT.success
}

/** Issues again what ends soon, for a timer: nothing to do is success. */
export async function renew(
  context: CommandContext,
  names: readonly string[],
  { within, ...options }: KeepingOptions & { readonly within?: number },
): Outcome {
  const directory = requireDataDirectory(context.cwd, options.dataDir, 'files')
  const renewal = await renewCertificates(directory.certificates, {
    ...(names.length === 0 ? {} : { names }),
    ...(within === undefined ? {} : { withinMs: within }),
    now: () => context.now().getTime(),
  })
  return tell(context, renewal, options, {
    done: `renewed in ${displayPath(directory.certificates, context.cwd)}`,
    nothing: 'nothing to do: every certificate is good for longer',
  })
}

export interface RevokeCommandOptions extends KeepingOptions {
  readonly reason?: string
}

/** Revokes the certificate of that name, or the one in that file. What the system itself needs is issued anew at once. */
export async function revoke(
  context: CommandContext,
  name: string,
  { reason = 'unspecified', ...options }: RevokeCommandOptions,
): Outcome {
  const { terminal, cwd } = context
  if (!isReason(reason)) {
    const expected = Object.keys(REVOCATION_REASONS).join(', ')
    throw new CommandFailure(`--reason is "${reason}"; expected one of ${expected}`, {
      code: 'revocation-reason',
      exitCode: EXIT.usage,
    })
  }
  const directory = requireDataDirectory(cwd, options.dataDir, 'files')
  const settings = { reason, now: () => context.now().getTime() }
  const isOfFolder = existsSync(directory.clientCertificate(name)) || !existsSync(resolve(cwd, name))
  const hosts = serverHostsOf(directory)
  const { serialNumber, moved } = isOfFolder
    ? await revokeCertificate(directory.certificates, name, settings)
    : await revokeForeignFile(directory.certificates, name, readDataFile(resolve(cwd, name)), settings)
  const written = isOfFolder ? await issuedAnew(directory, name, hosts) : []
  const list = directory.revocationList
  if (options.json) terminal.printJson({ serial: serialNumber, moved, written, list })
  else {
    const shown = displayPath(list, cwd)
    const lines = [`revoked ${name} (serial ${serialNumber}) in ${shown}`]
    if (moved.length > 0)
      lines.push(`moved ${moved.join(', ')} into ${displayPath(directory.certificates, cwd)}/revoked`)
    if (written.length > 0) lines.push(formatWritten(written, displayPath(directory.path, cwd)))
    lines.push(
      `a broker or gateway with this list (JAMEY_BROKER_CRL, JAMEY_HTTP_CRL, or this folder) reads it within a second`,
    )
    terminal.print(lines.join('\n'))
  }
  return EXIT.success
}

/** The broker and the parts cannot be without one. `hosts` are those of the broker's former certificate. */
async function issuedAnew(
  directory: DataDirectory,
  name: string,
  hosts: readonly string[],
): Promise<readonly string[]> {
  if (name === 'server') return (await issueServer(directory, hosts)).written
  return CERTIFIED_CLIENTS.includes(name) ? (await issueClient(directory, name)).written : []
}

export interface RotateOptions extends KeepingOptions {
  readonly switch?: boolean
  readonly finish?: boolean
}

const STEPS: Readonly<Record<'prepare' | 'switch' | 'finish', { done: string; next: string }>> = {
  prepare: {
    done: 'the next authority is made, and trusted beside the present one',
    next: 'copy ca.crt to every machine that trusts it, then: jamey certs rotate-ca --switch',
  },
  switch: {
    done: 'the next authority signs; the former one is still trusted',
    next: 'copy ca.crt, crl.pem and the new .crt files to where they are used; once nothing of the former is in use: jamey certs rotate-ca --finish',
  },
  finish: {
    done: 'the former authority is trusted no more',
    next: 'copy ca.crt to every machine that trusts it',
  },
}

/** Takes one step of the rotation of the authority; without an option the first. */
export async function rotateCa(context: CommandContext, options: RotateOptions): Outcome {
  if (options.switch && options.finish) {
    throw new CommandFailure('give one of --switch and --finish only', {
      code: 'rotation-step',
      exitCode: EXIT.usage,
    })
  }
  const { terminal, cwd } = context
  const { certificates } = requireDataDirectory(cwd, options.dataDir, 'files')
  const step = options.switch ? 'switch' : options.finish ? 'finish' : 'prepare'
  const steps = { prepare: prepareAuthority, switch: switchAuthority, finish: finishRotation }
  const { written, faults } = await steps[step](certificates, { now: () => context.now().getTime() })
  const stage: RotationStage = rotationStage(certificates)
  if (options.json) terminal.printJson({ step, stage, written })
  else {
    const { done, next } = STEPS[step]
    if (written.length > 0)
      terminal.print(`written in ${displayPath(certificates, cwd)}: ${written.join(', ')}`)
    terminal.print(`${done}\nnext: ${terminal.asStarted(next)}`)
  }
  for (const { error } of faults) terminal.fail(reportOf(error), options.json === true)
  return faults.length > 0 ? EXIT.other : EXIT.success
}

function tell(
  { terminal }: CommandContext,
  { written, faults }: Renewal,
  { json }: KeepingOptions,
  texts: { readonly done: string; readonly nothing: string },
): Awaited<Outcome> {
  if (json) terminal.printJson({ written, faults: faults.map(({ name }) => name) })
  else if (written.length > 0) terminal.print(`${texts.done}: ${written.join(', ')}`)
  else if (faults.length === 0) terminal.print(texts.nothing)
  for (const { error } of faults) terminal.fail(reportOf(error), json === true)
  return faults.length > 0 ? EXIT.other : EXIT.success
}

function isReason(text: string): text is RevocationReason {
  return Object.hasOwn(REVOCATION_REASONS, text)
}
