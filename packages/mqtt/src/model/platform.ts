import type { Packet, PacketDecoder, PropertyMemory, Publish } from '@jamey/protocol'
import type { Clock } from '../support/clock.js'
import type { MqttError } from './errors.js'
import type { TlsOptions } from './options.js'
import type { Counters } from './stats.js'
import type { Endpoint, TlsMaterial, TransportFactory } from './transport.js'

/** A port: the differences between Node and browsers. The rest of this package runs in both. */
export interface Platform {
  readonly clock: Clock
  readonly openTransport: TransportFactory
  /** True where the name stands for addresses that another attempt may find in better health. */
  hasOtherAddress?(endpoint: Endpoint): boolean
  readTls(options: TlsOptions): Promise<TlsMaterial>
  /** Explains an error of the system, where more can be said than its message does. Browsers never say what it was. */
  systemError?(href: string, cause: SystemError): MqttError | undefined
  /** Remembers properties, where the bytes of a program count for less than its speed. */
  propertyMemory?(): PropertyMemory
  /** Passes over messages that are larger than we take. Pages, which have less memory to lose, refuse them. */
  skipping?(decoder: PacketDecoder, limits: PacketLimits, counters: Counters): Decoding
  /** Tells whoever runs the program. */
  warn(message: string): void
}

export interface SystemError extends Error {
  readonly code?: string
  readonly reason?: string
}

/** The greatest packets that a client takes, and who is told of larger ones. */
export interface PacketLimits {
  readonly maximumPacketBytes: number
  readonly onBackgroundError: (error: MqttError) => void
}

/** A decoder, as a connection knows it. */
export interface Decoding {
  push(chunk: Uint8Array): void
  /** Throws `ProtocolError`. */
  next(): Packet | Skipped | undefined
}

/** A PUBLISH that was larger than we take: all that is known of it. */
export interface Skipped {
  readonly type: 'skipped'
  /** The message without its payload. */
  readonly publish: Publish
}
