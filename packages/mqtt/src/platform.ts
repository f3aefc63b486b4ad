import type { PacketDecoder, PropertyMemory } from '@jamey/protocol'
import type { Clock } from './clock.js'
import type { MqttError } from './errors.js'
import type { Decoding } from './node-skipping.js'
import type { TlsOptions } from './options.js'
import type { PaceLimit } from './pace-limit.js'
import type { Settings } from './settings.js'
import type { Counters } from './stats.js'
import type { Endpoint, TlsMaterial, TransportFactory } from './transport.js'
import type { SystemError } from './transport-error.js'
import type { Trial } from './trial.js'

/** What differs between Node and browsers, a port: the rest of this package runs in both. */
export interface Platform {
  readonly clock: Clock
  readonly openTransport: TransportFactory
  /** Whether the name stands for addresses that another attempt may find in better health. */
  hasOtherAddress?(endpoint: Endpoint): boolean
  readTls(options: TlsOptions): Promise<TlsMaterial>
  /** What the system's error means, where more can be said than its message does. Browsers never say what it was. */
  systemError?(href: string, cause: SystemError): MqttError | undefined
  /** See `Client.explain`. A page that has not fetched it yet says less. */
  explain: typeof import('./explain.js').explain
  /** What finds the packet under which connections end. Pages, which seldom need it, fetch it then. */
  startTrial(...parts: ConstructorParameters<typeof Trial>): Promise<Trial>
  /** What a store that commits takes. Pages, which seldom have one, fetch it then; in Node it is there. */
  storeParts(): Promise<typeof import('./backlog.js')>
  /** Calls `use` with what slows messages down after a complaint. Pages, which seldom hear one, fetch it then. */
  paceLimit(use: (Limit: typeof PaceLimit) => void): void
  /** Where the bytes of a program count for less than its speed. */
  propertyMemory?(): PropertyMemory
  /** What passes over messages that are larger than we take. Pages, which have less memory to lose, refuse them. */
  skipping?(decoder: PacketDecoder, settings: Settings, counters: Counters): Decoding
  /** Tells whoever runs the program. */
  warn(message: string): void
}
