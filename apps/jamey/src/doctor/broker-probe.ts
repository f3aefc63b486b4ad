import { Permissions } from '@jamey/auth'
import type { BusConfig } from '@jamey/bus'
import { isTopicName } from '@jamey/protocol'
import { connectionFailure } from '../client/connection.js'
import { type ClientOptions, type ConnectionTarget, connectionTarget } from '../client/connection-target.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext } from '../terminal/command-context.js'
import type { Finding } from './finding.js'
import { findingsOf } from './probe-findings.js'
import { PROBE_GROUP } from './server-facts.js'

export interface ProbeOptions extends ClientOptions {
  /** `jamey/probe/<client id>` by default. */
  readonly scratch?: string
}

/** Lifetime of a token that is there until CONNACK, and hardly longer. */
const SHORT_SECONDS = 3

/** Finds out what the broker of this environment or folder does, under the name and with the rights of this client. */
export async function probe(context: CommandContext, options: ProbeOptions): Promise<Finding[]> {
  const target = await connectionTarget(context, options)
  const scratch = options.scratch ?? `jamey/probe/${target.config.clientId}`
  if (!isTopicName(scratch)) {
    throw new CommandFailure(`--scratch: found '${scratch}', expected a topic without wildcards`, {
      code: 'invalid-argument',
      exitCode: EXIT.usage,
    })
  }
  const config = withScratch(target, scratch)
  const permissions = new Permissions(config.permissions, { clientId: config.clientId })
  const [{ connectionOptionsOf }, { probeServer }] = await Promise.all([
    import('@jamey/bus'),
    import('./server-probe.js'),
  ])
  const short: BusConfig = { ...config, jwtLifetimeSeconds: SHORT_SECONDS }
  const withMethod: BusConfig = { ...config, authenticationMethod: 'JWT', protocolVersion: 5 }
  const canSign = config.jwtSecret !== undefined && config.username !== false
  const hasToken = config.username !== false && (canSign || config.tokenUrl !== undefined)
  try {
    const facts = await probeServer({
      connection: connectionOptionsOf(config),
      shortLived: canSign ? { connection: connectionOptionsOf(short), seconds: SHORT_SECONDS } : undefined,
      withMethod: hasToken ? connectionOptionsOf(withMethod) : undefined,
      permissions,
      scratch,
    })
    return [connected(target), ...rightsOf(permissions, scratch), ...findingsOf(facts)]
  } catch (error) {
    return [failed(error, target)]
  }
}

/** A right that nobody asked for is had only where this command gives itself all that it wants. */
function withScratch({ config, permissionSource }: ConnectionTarget, scratch: string): BusConfig {
  if (permissionSource !== 'default') return config
  const own = [`${scratch}/#`, `subscribe:$share/${PROBE_GROUP}/${scratch}/#`]
  return { ...config, permissions: [...config.permissions, ...own] }
}

function connected({ address, config }: ConnectionTarget): Finding {
  return { check: 'broker', status: 'ok', message: `connected to ${address} as ${config.clientId}` }
}

function rightsOf(permissions: Permissions, scratch: string): Finding[] {
  const filter = `${scratch}/#`
  if (permissions.maySubscribe(filter) && permissions.mayPublish(`${scratch}/x`)) return []
  const message = `this client has no right to ${filter}, so that less can be found out`
  const hint = `give it ${filter}, or name a topic below which it has every right: --scratch`
  return [{ check: 'rights', status: 'warning', message, hint }]
}

function failed(error: unknown, target: ConnectionTarget): Finding {
  const { message, hint, exitCode } = reportOf(connectionFailure({ cause: error as Error }, target))
  return { check: 'broker', status: 'failed', message, exitCode, ...(hint === undefined ? {} : { hint }) }
}
