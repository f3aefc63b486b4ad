import type { QoS } from '@jamey/protocol'
import type { Certificates } from '../kit/certificates.js'

/** What a sink is to do with its connections. */
export interface SinkJob {
  /** TLS 1.3 with this; plain TCP without. */
  readonly certificates: Certificates | undefined
  /** Announced in CONNACK; 65 535 by default. */
  readonly receiveMaximum?: number
  /** False: messages are counted and never acknowledged. */
  readonly answers?: boolean
  /** False announces so in CONNACK, as servers without the feature do. */
  readonly subscriptionIdentifiers?: boolean
  /** Sent without end to whoever asks for it by `CONTROL.start`, round-robin over all it has subscribed to. */
  readonly blast?: {
    readonly qos: QoS
    readonly window: number
    /** Text, or how many bytes of anything. */
    readonly payload: string | number
  }
}

/** What a sink tells first. */
export interface SinkReady {
  readonly port: number
}

/** What it tells when a connection has ended. */
export interface SinkTotals {
  readonly received: number
  readonly payloadBytes: number
  readonly sent: number
  readonly acknowledged: number
  readonly faults: readonly string[]
}

/** Topics of messages to the sink itself, which it does not count; QoS 1. */
export const CONTROL = {
  /** Starts the blast. */
  start: 'control/start',
  /** Ends it; when all of it is acknowledged `report` follows at QoS 0 with `{ sent }`. */
  stop: 'control/stop',
  report: 'control/report',
} as const

export const TOPIC = 'bench/topic'
