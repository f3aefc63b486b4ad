import type { Logger } from 'pino'
import { type Announcer, announcerAt } from '../components/announcer.js'
import { CertificateKeeper } from '../components/certificate-keeper.js'
import { ServedMetrics } from '../components/served-metrics.js'
import { stopInOrder } from '../components/stop-in-order.js'
import type { DataDirectory } from '../install/data-directory.js'
import { ownFolderOf } from '../install/expiry.js'
import { claimRunFile } from '../install/run-file.js'
import { VERSION } from '../support/version.js'
import { aborted } from '../support/waiting.js'
import type { CommandContext } from '../terminal/command-context.js'
import { createLog } from '../terminal/log.js'
import type { LogLevel } from '../terminal/log-level.js'
import { urlOf } from './embedded-broker.js'
import { type ServedBroker, type Surroundings, startServedBroker } from './served-broker.js'
import { type BrokerSettings, readBrokerSettings } from './settings.js'
import type { SettingsSource } from './settings-layers.js'
import type { BrokerFlags } from './settings-table.js'

/** Time for what comes after the grace: the last flush, and each DISCONNECT. */
const AFTER_GRACE_MS = 2_000

export interface ServeOptions {
  readonly flags: BrokerFlags
  readonly directory: DataDirectory | undefined
  /** Log level where no setting says another one. */
  readonly logLevel: LogLevel
  readonly portSetting: string
  /** Makes the doctor's findings about what the broker stands on. */
  readonly examine: (settings: BrokerSettings) => ReturnType<Surroundings['examine']>
  /** Tells that the broker listens; by default in lines for people. */
  readonly announcer?: (log: Logger) => Announcer
}

/** A broker alone in this process, until somebody stops it; SIGHUP has it read its settings again. */
export async function serveBroker(context: CommandContext, options: ServeOptions): Promise<void> {
  const { terminal, env, cwd, interrupted } = context
  const { flags, directory, portSetting } = options
  terminal.serve()
  const source: SettingsSource = { flags, env, cwd, directory }
  const settings = await readBrokerSettings(source)
  const claim = directory && claimRunFile(directory.path, VERSION)
  const log = createLog(terminal, settings.logLevel ?? options.logLevel).child({ component: 'broker' })
  const announcer = options.announcer?.(log) ?? announcerAt(terminal)
  warnOf(settings, announcer)
  // A signal that comes before there is a broker must not end the process.
  let serving: ServedBroker | undefined
  let keeper: CertificateKeeper | undefined
  let served: ServedMetrics | undefined
  const reload = (): void => void serving?.reload()
  process.on('SIGHUP', reload)
  try {
    const { logLevel } = options
    const read = (): Promise<BrokerSettings> => readBrokerSettings(source)
    const surroundings = { examine: () => options.examine(settings) }
    const parts = { started: settings, read, log, logLevel, portSetting, surroundings }
    const broker = await startServedBroker(parts)
    serving = broker
    keeper = new CertificateKeeper({ ...keptBy(settings), log })
    served = await ServedMetrics.start({ env, cwd, log })
    served.watchBroker(broker.numbers)
    served.watchCertificates(settings.tlsFiles)
    if (settings.storePath !== undefined) served.watchData(settings.storePath)
    void keeper.start()
    const [first] = settings.listeners
    claim?.update({ broker: { host: first?.host ?? '', port: broker.addresses[0]?.port ?? 0 } })
    for (const [i, address] of broker.addresses.entries()) {
      announcer.say(
        { event: 'broker.ready' },
        `broker listens at ${urlOf(address, settings.listeners[i]?.host ?? address.host)}`,
      )
    }
    served.nowReady()
    await aborted(interrupted)
    announcer.note({ event: 'broker.stopping' }, 'stopping the broker')
    served.nowStopping()
    const stop = (graceMs: number): Promise<void> => broker.stop(graceMs)
    await stopInOrder([[{ name: 'broker', stop }]], (await broker.graceMs()) + AFTER_GRACE_MS)
  } finally {
    keeper?.stop()
    await served?.stop()
    process.removeListener('SIGHUP', reload)
    claim?.release()
  }
}

/** A folder of ours is renewed by its broker, which is where its authority should be. */
function keptBy({ tlsFiles }: BrokerSettings): { paths: readonly string[]; folder: string | undefined } {
  return { paths: tlsFiles, folder: ownFolderOf(tlsFiles) }
}

function warnOf({ listeners, authentication }: BrokerSettings, announcer: Announcer): void {
  const plain = listeners.filter(({ insecure }) => insecure === true)
  const where = plain.map(({ host, port }) => `${host}:${port}`).join(', ')
  if (authentication.method === 'none') {
    const encryption = plain.length > 0 ? 'no encryption, no passwords' : 'no passwords'
    announcer.warn(
      { event: 'broker.passwords.absent' },
      `${encryption}: whoever reaches this port may read and write everything`,
    )
  } else if (plain.length > 0) {
    announcer.warn(
      { event: 'broker.plaintext.allowed' },
      `no encryption at ${where}: whoever is on the way can read along, the tokens, too`,
    )
  }
}
