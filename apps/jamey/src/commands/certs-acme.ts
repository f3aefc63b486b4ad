import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { obtainCertificate } from '@jamey/auth/authority'
import { displayPath, requireDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

export interface AcmeCommandOptions {
  readonly directory: string
  readonly agreeTerms?: boolean
  readonly email?: string
  readonly address: string
  readonly port: number
  readonly within?: number
  readonly ca?: string
  readonly json?: boolean
  readonly dataDir?: string
}

/** A certificate of a public authority, had or renewed; for a timer: nothing to do is success. */
export async function acme(
  context: CommandContext,
  hosts: readonly string[],
  options: AcmeCommandOptions,
): Outcome {
  const { terminal, cwd } = context
  if (options.agreeTerms !== true) {
    throw new CommandFailure('the terms of service of that authority are not agreed to', {
      code: 'terms-not-agreed',
      exitCode: EXIT.usage,
      hint: 'read them, and give --agree-terms',
    })
  }
  const { path } = requireDataDirectory(cwd, options.dataDir, 'files')
  const { directory, address, port, email, within, ca } = options
  const { certPath, keyPath, validTo, isNew } = await obtainCertificate(join(path, 'acme'), {
    directoryUrl: directory,
    hosts,
    contact: email === undefined ? [] : [`mailto:${email}`],
    challengeAddress: { host: address, port },
    ...(ca === undefined ? {} : { ca: readFileSync(resolve(cwd, ca), 'utf8') }),
    ...(within === undefined ? {} : { withinMs: within }),
    now: () => context.now().getTime(),
  })
  const facts = { certificate: certPath, key: keyPath, valid_to: validTo.toISOString(), is_new: isNew }
  if (options.json) terminal.printJson(facts)
  else {
    const date = validTo.toISOString().slice(0, 10)
    terminal.print(`${isNew ? 'issued' : 'nothing to do:'} ${displayPath(certPath, cwd)}, valid to ${date}`)
  }
  return EXIT.success
}
