import type { CommandContext, Outcome } from '../command-context.js'
import { hostInUrl } from '../connection-target.js'
import { startInsecureBroker } from '../embedded-broker.js'
import { EXIT } from '../exit-codes.js'
import { CommandFailure } from '../failure.js'
import { createLog } from '../log.js'
import { logLevelOf } from '../log-level.js'
import { stopInOrder } from '../stop-in-order.js'
import { aborted } from '../waiting.js'

export interface BrokerOptions {
  readonly insecure?: boolean
  readonly host: string
  readonly port: number
  readonly logLevel?: string
}

/** The broker alone for conformance suites and load tests; whoever starts it must have said that it is insecure. */
export async function broker(
  context: CommandContext,
  { insecure, host, port, logLevel }: BrokerOptions,
): Outcome {
  const { terminal, interrupted, env } = context
  if (insecure !== true) {
    throw new CommandFailure(
      'this broker would serve anybody without encryption; say --insecure if that is meant',
      {
        code: 'insecure-not-asked-for',
        exitCode: EXIT.usage,
        hint: 'a secure one is started by `jamey up`, or `jamey run broker --data-dir .jamey`',
      },
    )
  }
  terminal.warn('no encryption, no passwords: whoever reaches this port may read and write everything')
  const running = await startInsecureBroker({
    host,
    port,
    // Its own warning about encryption would only repeat ours.
    log: createLog(terminal, logLevelOf(logLevel, env, 'error')),
    portSetting: '--port',
  })
  terminal.print(`broker listens at mqtt://${hostInUrl(host)}:${running.addresses[0]?.port ?? port}`)
  await aborted(interrupted)
  await stopInOrder([
    [{ name: 'broker', stop: (graceMs) => running.close({ graceMs: Math.min(graceMs, 1_000) }) }],
  ])
  return EXIT.success
}
