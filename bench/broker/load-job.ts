import type { QoS } from '@jamey/protocol'
import type { Report } from '../kit/role.js'
import type { Layout } from './layout.js'

/** One thing that brokers are to do. */
export interface Task {
  readonly layout: Layout
  readonly qos: QoS
  readonly payloadBytes: number
  /** One message at a time, whose way through the broker is timed; as many as it takes without. */
  readonly isOneByOne: boolean
  readonly isTls: boolean
  /** Sessions that outlive their connections, and a broker with its state on disk. */
  readonly isPersistent: boolean
}

/** What the load generator's process is told. */
export interface LoadJob {
  readonly task: Task
  readonly port: number
  readonly protocolVersion: 4 | 5
  /** PEM; TLS where it is given. */
  readonly ca: string | undefined
  /** The broker's process. */
  readonly pid: number
  readonly warmUpMs: number
  readonly windowMs: number
}

/** What came of it, in one window. */
export interface LoadFigures {
  /** Messages that arrived at subscribers, each counted where it arrived. */
  readonly deliveredPerSecond: number
  /** The broker's CPU time, all its threads together, in microseconds per delivery. */
  readonly cpuMicros: number | undefined
  /** Of one core. */
  readonly brokerShare: number | undefined
  readonly generatorShare: number
  /** Milliseconds from a publisher's socket to a subscriber's; of one message at a time alone. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** Memory of the broker that is of no file, at the end. */
  readonly anonymousBytes: number | undefined
  /** What its subscriptions took: of memory, and microseconds each. */
  readonly subscriptionBytes: number | undefined
  readonly subscribeMicros: number
}

export type LoadReport = Report<{ readonly figures: LoadFigures }>
