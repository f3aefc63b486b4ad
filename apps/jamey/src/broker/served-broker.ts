import type { Revocations, WatchedFiles } from '@jamey/auth'
import type { Broker, ListenerOptions, ReloadOptions } from '@jamey/broker'
import type { TransportFactory } from '@jamey/mqtt'
import type { Logger } from 'pino'
import type { BrokerControl, BrokerControlOptions } from '../control/broker-control.js'
import type { LogLevel } from '../terminal/log-level.js'
import type { Access } from './access.js'
import { startBroker } from './embedded-broker.js'
import { inProcessTransport } from './in-process.js'
import type { BrokerSettings } from './settings.js'

/** What the broker can be asked of the process that it runs in, beside itself. */
export type Surroundings = Pick<BrokerControlOptions, 'buses' | 'examine' | 'named' | 'certificates'>

export interface ServedBrokerOptions {
  /** Settings with which the broker was started, which bound what can change. */
  readonly started: BrokerSettings
  /** Reads the settings of now, with every file that they name. */
  readonly read: () => Promise<BrokerSettings>
  readonly log: Logger
  /** Log level where the settings name none. */
  readonly logLevel: LogLevel
  /** Nothing but the broker's own by default. */
  readonly surroundings?: Partial<Surroundings> | undefined
}

/** Resolves when every listener accepts connections. `portSetting` is how the user changes the port of the first. */
export async function startServedBroker(
  options: ServedBrokerOptions & { readonly portSetting: string },
): Promise<ServedBroker> {
  const { started, log, portSetting } = options
  const [{ Revocations, WatchedFiles }, { accessOf }] = await Promise.all([
    import('@jamey/auth'),
    import('./access.js'),
  ])
  let served: ServedBroker | undefined
  const revocations = await Revocations.open({
    ...started.revocation,
    onChange: () => served?.revise(),
    onError: (err) =>
      log.error(
        { event: 'broker.denied.unreadable', err },
        'who is denied or revoked by this file is not known',
      ),
  })
  try {
    const access = accessOf(started, { log, revocations })
    const broker = await startBroker(started, { log, portSetting, access })
    const watch = (onChange: () => void): WatchedFiles => new WatchedFiles(started.tlsFiles, onChange)
    const manifest = () => (served?.settings ?? started).manifest
    const control = await controlOf(broker, options, manifest).catch(async (error: unknown) => {
      await broker.close({ graceMs: 0 })
      throw error
    })
    served = new ServedBroker(options, { broker, access, revocations, watch, control })
    return served
  } catch (error) {
    revocations.stop()
    throw error
  }
}

/** Serves what the broker is asked. */
async function controlOf(
  broker: Broker,
  { started, log, surroundings = {} }: ServedBrokerOptions,
  manifest: () => BrokerSettings['manifest'],
): Promise<BrokerControl> {
  const { BrokerControl } = await import('../control/broker-control.js')
  const { stampSenders, storePath, tlsFiles } = started
  const { named = async () => [] } = surroundings
  return BrokerControl.start({
    broker,
    stampSenders,
    storePath,
    certificates: tlsFiles,
    buses: () => [],
    examine: async () => [],
    log,
    ...surroundings,
    // Whom a manifest does not name, it does not let in.
    named: async () => manifest()?.clients ?? (await named()),
  })
}

interface Parts {
  readonly broker: Broker
  readonly access: Access
  readonly revocations: Revocations
  readonly control: BrokerControl
  /** Looks at the files of TLS. */
  readonly watch: (onChange: () => void) => WatchedFiles
}

/** A broker that runs, and reads its settings again when somebody says so. */
export class ServedBroker {
  readonly #broker: Broker
  readonly #control: BrokerControl
  readonly #read: () => Promise<BrokerSettings>
  readonly #started: BrokerSettings
  readonly #log: Logger
  readonly #logLevel: LogLevel
  readonly #revocations: Revocations
  readonly #files: WatchedFiles
  #access: Access
  #present: BrokerSettings
  /** Settings are read one after the other, so that the last signal wins. */
  #last: Promise<void> = Promise.resolve()

  constructor(
    { started, read, log, logLevel }: ServedBrokerOptions,
    { broker, access, revocations, watch, control }: Parts,
  ) {
    this.#revocations = revocations
    this.#access = access
    this.#broker = broker
    this.#control = control
    this.#read = read
    this.#started = started
    this.#present = started
    this.#log = log
    this.#logLevel = logLevel
    this.#files = watch(() => void this.renewTls())
  }

  get numbers(): Pick<Broker, 'stats' | 'latencies'> {
    return this.#broker
  }

  /** The settings that hold now. */
  get settings(): BrokerSettings {
    return this.#present
  }

  get addresses(): Broker['addresses'] {
    return this.#broker.addresses
  }

  /** Connects parts of this process, known as over TLS: by their tokens, and by certificates of the first listener's authority. */
  get transport(): TransportFactory {
    return inProcessTransport(this.#broker, () => {
      const { ca = [] } = this.#present.listeners[0]?.tls ?? {}
      return typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca
    })
  }

  /** Answers what the broker is asked by a part of this process, also while it takes no messages. */
  get answers(): BrokerControl['answer'] {
    return (operation, input, clientId) => this.#control.answer(operation, input, clientId)
  }

  /** Disconnects clients that are denied or revoked by now. */
  revise(): void {
    this.#broker.reload({ revise: this.#access.revise })
    this.#log.info({ event: 'broker.denied.reloaded' }, 'who is denied or revoked was read again')
  }

  /** Milliseconds of grace as the settings of now have them, once they are read. */
  async graceMs(): Promise<number> {
    await this.#last
    return this.#present.shutdown.graceMs
  }

  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload())
    return this.#last
  }

  /** Certificates, keys and authorities alone are read again; handshakes from now on have them. */
  renewTls(): Promise<void> {
    this.#last = this.#last.then(() => this.#renewTls())
    return this.#last
  }

  /** Tells the clients, and where they are to go. */
  async stop(graceMs: number): Promise<void> {
    this.#files.stop()
    await this.#last
    this.#revocations.stop()
    await this.#control.stop()
    const { shutdown } = this.#present
    await this.#broker.close({ ...shutdown, graceMs: Math.min(graceMs, shutdown.graceMs) })
  }

  async #renewTls(): Promise<void> {
    try {
      const next = await this.#read()
      const tls = tlsOf(this.#present, next)
      const isOther = tls.some((one, i) => one !== undefined && !isSameTls(one, this.#present.listeners[i]))
      if (!isOther) return
      const { authorities } = next.revocation
      await this.#revocations.use({ ...this.#present.revocation, authorities })
      this.#broker.reload({ tls: tlsOf(this.#started, next) })
      const listeners = this.#present.listeners.map((listener, i) => ({
        ...listener,
        tls: tls[i] ?? listener.tls,
      }))
      this.#present = {
        ...this.#present,
        listeners,
        revocation: { ...this.#present.revocation, authorities },
      }
      this.#log.info(
        { event: 'broker.certificates.renewed' },
        'certificates were read again; new connections have them',
      )
    } catch (error) {
      this.#log.error(
        { event: 'broker.certificates.unusable', err: error },
        'the certificates that are there now cannot be used; the old stay in force',
      )
    }
  }

  /** All settings that were read take effect, or, where one of them is wrong, none. */
  async #reload(): Promise<void> {
    try {
      const next = await this.#read()
      const { accessOf } = await import('./access.js')
      // Permissions of another method might be none at all, and open everything to this one.
      const isSameMethod = next.authentication.method === this.#started.authentication.method
      const access = isSameMethod
        ? accessOf(next, { log: this.#log, revocations: this.#revocations })
        : this.#access
      await this.#revocations.use(next.revocation)
      this.#broker.reload({ limits: next.limits, tls: tlsOf(this.#started, next), ...access })
      this.#access = access
      this.#present = next
      this.#log.level = next.logLevel ?? this.#logLevel
      for (const setting of fixedChanges(this.#started, next)) {
        this.#log.warn(
          { event: 'broker.setting.unchanged', setting },
          'a change that takes a restart; what the broker was started with stays',
        )
      }
      this.#log.info(
        { event: 'broker.reloaded' },
        'reloaded: certificates, limits and permissions are those of now',
      )
    } catch (error) {
      this.#log.error(
        { event: 'broker.reload.failed', err: error },
        'what was to be reloaded cannot be used; the old stays in force',
      )
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

function isSameTls(one: ListenerOptions['tls'], other: ListenerOptions | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other?.tls)
}

function isSameListener(before: ListenerOptions | undefined, after: ListenerOptions | undefined): boolean {
  return before !== undefined && after !== undefined && fixedPart(before) === fixedPart(after)
}

/** The part of a listener that stays for as long as it listens. */
function fixedPart({ tls, ...rest }: ListenerOptions): string {
  const asked = tls && [tls.requestClientCertificate, tls.requireClientCertificate]
  const { host, port, insecure, webSocket, proxyProtocol, limits } = rest
  return JSON.stringify([host, port, insecure, webSocket, proxyProtocol, limits, asked])
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
    ['manifest', methods[0] !== methods[1] && next.manifest !== undefined],
    ['refused', methods[0] !== methods[1] && next.refused.length > 0],
    ['overflow', started.overflow !== next.overflow],
    ['sharedSubscriptions', started.sharedSubscriptions !== next.sharedSubscriptions],
    // The word of CONNACK holds.
    ['maximumQos', started.maximumQos !== next.maximumQos],
    ['retainAvailable', started.retainAvailable !== next.retainAvailable],
    ['stampSenders', `${started.stampSenders}` !== `${next.stampSenders}`],
    ['refuseWhenFull', `${started.refuseWhenFull}` !== `${next.refuseWhenFull}`],
  ]
  return [...listeners.flat(), ...others.filter(([, isOther]) => isOther).map(([name]) => name)]
}
