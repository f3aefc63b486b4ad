import type { Broker, ListenerOptions, ReloadOptions } from '@jamey/broker'
import type { Logger } from 'pino'
import type { BrokerFlags } from './broker-layers.js'
import { type BrokerSettings, readBrokerSettings, type SettingsSource } from './broker-settings.js'
import type { CommandContext } from './command-context.js'
import type { DataDirectory } from './data-directory.js'
import { startBroker, urlOf } from './embedded-broker.js'
import { createLog } from './log.js'
import type { LogLevel } from './log-level.js'
import { claimRunFile } from './run-file.js'
import { stopInOrder } from './stop-in-order.js'
import { VERSION } from './version.js'
import { aborted } from './waiting.js'

/** For what comes after the grace: the last flush, and the goodbyes. */
const AFTER_GRACE_MS = 2_000

export interface ServeOptions {
  readonly flags: BrokerFlags
  readonly directory: DataDirectory | undefined
  /** Where nothing says another one. */
  readonly logLevel: LogLevel
  readonly portSetting: string
}

/** A broker alone in this process, until somebody stops it; SIGHUP has it read its settings again. */
export async function serveBroker(context: CommandContext, options: ServeOptions): Promise<void> {
  const { terminal, env, cwd, interrupted } = context
  const { flags, directory, portSetting } = options
  const source: SettingsSource = { flags, env, cwd, directory }
  const settings = await readBrokerSettings(source)
  warnOf(settings, terminal.warn.bind(terminal))
  const claim = directory && claimRunFile(directory.path, VERSION)
  const log = createLog(terminal, settings.logLevel ?? options.logLevel).child({ component: 'broker' })
  // A signal that comes before there is a broker must not end the process.
  let serving: ServedBroker | undefined
  const reload = (): void => void serving?.reload()
  process.on('SIGHUP', reload)
  try {
    const broker = await startBroker(settings, { log, portSetting })
    serving = new ServedBroker(broker, source, settings, log, options.logLevel)
    const [first] = settings.listeners
    claim?.update({ broker: { host: first?.host ?? '', port: broker.addresses[0]?.port ?? 0 } })
    for (const [i, address] of broker.addresses.entries()) {
      terminal.print(`broker listens at ${urlOf(address, settings.listeners[i]?.host ?? address.host)}`)
    }
    await aborted(interrupted)
    terminal.note('stopping the broker')
    await serving.stop()
  } finally {
    process.removeListener('SIGHUP', reload)
    claim?.release()
  }
}

function warnOf({ listeners, authentication }: BrokerSettings, warn: (text: string) => void): void {
  const plain = listeners.filter(({ insecure }) => insecure === true)
  const where = plain.map(({ host, port }) => `${host}:${port}`).join(', ')
  if (authentication.method === 'none') {
    const encryption = plain.length > 0 ? 'no encryption, no passwords' : 'no passwords'
    warn(`${encryption}: whoever reaches this port may read and write everything`)
  } else if (plain.length > 0) {
    warn(`no encryption at ${where}: whoever is on the way can read along, the tokens, too`)
  }
}

/** A broker that runs, and the settings it was started with, which bound what can change. */
class ServedBroker {
  readonly #broker: Broker
  readonly #source: SettingsSource
  readonly #started: BrokerSettings
  readonly #log: Logger
  readonly #logLevel: LogLevel
  #present: BrokerSettings
  /** One reading after the other, so that the last signal wins. */
  #last: Promise<void> = Promise.resolve()

  constructor(
    broker: Broker,
    source: SettingsSource,
    started: BrokerSettings,
    log: Logger,
    logLevel: LogLevel,
  ) {
    this.#broker = broker
    this.#source = source
    this.#started = started
    this.#present = started
    this.#log = log
    this.#logLevel = logLevel
  }

  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload())
    return this.#last
  }

  /** Tells the clients, and where they are to go. */
  async stop(): Promise<void> {
    await this.#last
    const { shutdown } = this.#present
    const stop = (graceMs: number): Promise<void> =>
      this.#broker.close({ ...shutdown, graceMs: Math.min(graceMs, shutdown.graceMs) })
    await stopInOrder([[{ name: 'broker', stop }]], shutdown.graceMs + AFTER_GRACE_MS)
  }

  /** All that was read takes effect, or, where anything of it is wrong, nothing. */
  async #reload(): Promise<void> {
    try {
      const next = await readBrokerSettings(this.#source)
      const { accessOf } = await import('./broker-access.js')
      // Permissions of another method might be none at all, and open everything to this one.
      const isSameMethod = next.authentication.method === this.#started.authentication.method
      const access = isSameMethod ? accessOf(next) : undefined
      this.#broker.reload({ limits: next.limits, tls: tlsOf(this.#started, next), ...access })
      this.#present = next
      this.#log.level = next.logLevel ?? this.#logLevel
      for (const setting of fixedChanges(this.#started, next)) {
        this.#log.warn({ setting }, 'a change that takes a restart; what the broker was started with stays')
      }
      this.#log.info('reloaded: certificates, limits and permissions are those of now')
    } catch (error) {
      this.#log.error({ err: error }, 'what was to be reloaded can not be used; the old stays in force')
    }
  }
}

/** Listeners that listen elsewhere, or ask for other certificates than before, keep theirs. */
function tlsOf(started: BrokerSettings, next: BrokerSettings): NonNullable<ReloadOptions['tls']> {
  return started.listeners.map((listener, i) => {
    const other = next.listeners[i]
    return isSameListener(listener, other) ? other?.tls : undefined
  })
}

function isSameListener(before: ListenerOptions | undefined, after: ListenerOptions | undefined): boolean {
  return before !== undefined && after !== undefined && fixedPart(before) === fixedPart(after)
}

/** What of a listener holds for as long as it listens. */
function fixedPart({ tls, ...rest }: ListenerOptions): string {
  const asked = tls && [tls.requestClientCertificate, tls.requireClientCertificate]
  return JSON.stringify([rest.host, rest.port, rest.insecure, rest.webSocket, rest.proxyProtocol, asked])
}

function fixedChanges(started: BrokerSettings, next: BrokerSettings): string[] {
  const count = Math.max(started.listeners.length, next.listeners.length)
  const listeners = Array.from({ length: count }, (_, i) =>
    isSameListener(started.listeners[i], next.listeners[i]) ? [] : [`listeners[${i}]`],
  )
  const methods = [started, next].map(({ authentication }) => authentication.method)
  const others: [string, boolean][] = [
    ['store', started.storePath !== next.storePath],
    ['authentication.method', methods[0] !== methods[1]],
    ['permissions', methods[0] !== methods[1]],
    ['overflow', started.overflow !== next.overflow],
    ['sharedSubscriptions', started.sharedSubscriptions !== next.sharedSubscriptions],
  ]
  return [...listeners.flat(), ...others.filter(([, isOther]) => isOther).map(([name]) => name)]
}
