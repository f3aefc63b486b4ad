import type { BrokerStats } from '@jamey/broker'
import type { ClientStats } from '@jamey/mqtt'
import type { Tally } from './ledger.js'
import type { VitalSigns } from './vital-signs.js'
import type { Counts, WorldOptions } from './world.js'

/** What the coordinating process asks of the other two. */
export type Order =
  | { readonly ask: 'start'; readonly world: WorldOptions; readonly rate: number | undefined }
  | { readonly ask: 'listen'; readonly broker: BrokerOptions }
  | { readonly ask: 'sample' }
  | { readonly ask: 'finish' }

export interface BrokerOptions {
  readonly folder: string
  /** PEM, and the secret of the tokens; undefined: TCP without TLS, everybody let in. */
  readonly security: { cert: string; key: string; ca: string; secret: string } | undefined
}

export interface BrokerReport {
  readonly vitals: VitalSigns
  readonly stats: BrokerStats
  /** Lines the broker logged as errors, with how often each came. */
  readonly errors: Readonly<Record<string, number>>
  /** Why it ended connections. */
  readonly endings: Readonly<Record<string, number>>
}

/** Milliseconds from publish to handler. */
export interface Latency {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface ClientReport {
  readonly vitals: VitalSigns
  readonly roles: Readonly<Record<string, Counts>>
  readonly tallies: Readonly<Record<string, Tally>>
  readonly errors: Readonly<Record<string, number>>
  readonly latency: Latency
  /** Of all steady clients together. */
  readonly stats: ClientStats
  /** What the slowest of the clients says holds it up, where something does. */
  readonly because: readonly string[]
  /** After everything was closed: handles that are left. */
  readonly left?: Readonly<Record<string, number>>
}

/** One line of the file that a soak writes. */
export interface Sample {
  readonly atSeconds: number
  /** Messages that steady subscribers got since the last sample, a second. */
  readonly messagesPerSecond: number
  /** The same since the start, in all. */
  readonly messages: number
  readonly broker: BrokerReport
  readonly client: ClientReport
  /** What the links suffered since the last sample. */
  readonly faults: Readonly<Record<string, number>>
}
