import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { stringify } from 'yaml'
import { Bridge } from '../../bridge/bridge.js'
import { serveHealth } from '../../bridge/health-server.js'
import { neededPermissions } from '../../bridge/routes.js'
import { type BridgeFlags, type BridgeSettings, readBridgeSettings } from '../../bridge/settings.js'
import { statusOf } from '../../bridge/status.js'
import { announcerIn, toItsEnd } from '../../components/announcer.js'
import { EXIT } from '../../support/exit-codes.js'
import { aborted, unlessAborted } from '../../support/waiting.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { createLog } from '../../terminal/log.js'
import { logLevelOf } from '../../terminal/log-level.js'

export interface BridgeOptions extends BridgeFlags {
  readonly check?: boolean
  readonly permissions?: boolean
  readonly end?: boolean
  readonly logLevel?: string
}

/** How often the log tells how it goes, where anything has changed. */
const STATUS_MS = 60_000
const RETRY_MS = 5000

/** Carries messages between two brokers until somebody stops it. */
export async function brokerBridge(context: CommandContext, options: BridgeOptions): Outcome {
  const { terminal, cwd, env } = context
  const settings = readBridgeSettings(options, cwd)
  if (options.permissions === true) {
    terminal.print(manifestOf(settings))
    return EXIT.success
  }
  if (options.check === true) {
    const [one, other] = settings.sides
    terminal.print(`${settings.carried.length} filters between ${one.name} and ${other.name}: no fault found`)
    return EXIT.success
  }
  terminal.serve()
  const log = createLog(terminal, logLevelOf(options.logLevel, env, 'info')).child({ component: 'bridge' })
  const work = (): Promise<void> => run(context, settings, log, options.end === true)
  return (await toItsEnd(work, log, terminal)) ?? EXIT.success
}

async function run(
  { terminal, interrupted }: CommandContext,
  settings: BridgeSettings,
  log: Logger,
  isLast: boolean,
): Promise<void> {
  const announcer = announcerIn(log, terminal)
  const [one, other] = settings.sides
  if (settings.relays.length === 0) {
    announcer.warn(
      { event: 'bridge.relays.none' },
      'relays for nobody: of what is below jamey/ nothing is carried over (the setting `relay`)',
    )
  }
  const bridge = await Bridge.open(settings, log)
  const stopping = new AbortController()
  const ending = AbortSignal.any([interrupted, stopping.signal])
  const health =
    settings.healthPort === undefined
      ? undefined
      : await serveHealth(settings.healthPort, () => statusOf(bridge))
  const told = Promise.all([tell(bridge, log, ending), retry(bridge, log, ending)])
  try {
    announcer.say({ event: 'bridge.started' }, `bridge between ${one.name} and ${other.name}, connecting`)
    const work = isLast ? bridge.end() : bridge.start()
    await unlessAborted(Promise.race([work, bridge.failed]), interrupted)
    if (isLast)
      return announcer.say(
        { event: 'bridge.finished' },
        'everything is carried over, and nothing of the bridge is left',
      )
    announcer.say({ event: 'bridge.ready' }, 'bridge is ready')
    await Promise.race([aborted(interrupted), bridge.failed])
  } catch (error) {
    if (!interrupted.aborted) throw error
  } finally {
    stopping.abort()
    health?.close()
    log.info({ event: 'bridge.ended', ...statusOf(bridge) }, 'bridge ends')
    await told
    await bridge.stop()
  }
}

async function tell(bridge: Bridge, log: Logger, signal: AbortSignal): Promise<void> {
  let last = ''
  while (!signal.aborted) {
    await pause(STATUS_MS, undefined, { signal }).catch(() => {})
    const status = statusOf(bridge)
    const text = JSON.stringify(status)
    if (text !== last && !signal.aborted) log.info({ event: 'bridge.status', ...status }, 'bridge')
    last = text
  }
}

async function retry(bridge: Bridge, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(RETRY_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    await bridge
      .retryRefused()
      .catch((err: unknown) =>
        log.warn({ event: 'bridge.retry.failed', err }, 'what was refused cannot be sent again'),
      )
  }
}

/** Permissions that the bridge needs on each side, as a manifest has them. */
function manifestOf({ sides, carried, relays }: BridgeSettings): string {
  return sides
    .map(({ name, config }, side) => {
      const permissions = neededPermissions(carried, side as 0 | 1, relays)
      const clients = { [config.clientId]: { permissions } }
      return `# ${name}\n${stringify({ version: 1, clients }, { lineWidth: 0 })}`
    })
    .join('\n')
}
