import type { QoS } from '@jamey/protocol'
import type { Certificates } from '../kit/certificates.js'
import type { Figures, GaugePlan } from '../kit/gauge.js'
import type { Report } from '../kit/role.js'

/** `bare` is a loop without a client around it, and shows what the load generator can do. */
export type Side = 'theirs' | 'ours' | 'bare'

/** What a client does. `round-trip`: it publishes, and receives the same message through a broker. */
export type Work = 'publish' | 'receive' | 'round-trip' | 'request'

/** What it talks to: a sink, Debian's Mosquitto, or our broker; each a process of its own. */
export type Via = 'sink' | 'mosquitto' | 'broker'

/** One thing to measure, whoever does it. */
export interface Task {
  readonly work: Work
  readonly via: Via
  readonly qos: QoS
  readonly payloadBytes: number
  /** Messages (or requests) in flight. */
  readonly window: number
  readonly isTls: boolean
  /** Ours goes through @jamey/bus, theirs stays bare. */
  readonly isBus: boolean
  /** Ours records every message on disk, theirs in its own memory. */
  readonly isDurable: boolean
  /** Switches Nagle's algorithm off for MQTT.js, which has no option for it. Ours always does. */
  readonly isTheirsWithoutDelay: boolean
}

/** What a client's process is told. */
export interface ClientJob {
  readonly side: Side
  readonly task: Task
  readonly port: number
  readonly certificates: Certificates | undefined
  /** A folder for the durable store. */
  readonly storePath: string
  readonly plan: GaugePlan
}

/** What it answers. */
export type ClientReport = Report<{ readonly figures: Figures; readonly counts: Counts }>

/** Of the whole run, warm-up included: to be compared with what the server counted. */
export interface Counts {
  readonly published: number
  readonly received: number
}
