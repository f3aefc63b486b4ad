import type { Authenticator } from './authenticator.js'
import type { BrokerStore } from './broker-store.js'
import type { Clock } from './clock.js'
import type { BrokerStats } from './counters.js'
import type { Limits } from './limits.js'
import type { ListenerAddress, ListenerOptions } from './listener.js'
import type { Log } from './log.js'

export interface BrokerOptions {
  listeners: readonly ListenerOptions[]
  authenticator: Authenticator
  /** Absent: sessions, queues and retained messages end with the broker. */
  store?: BrokerStore | undefined
  limits?: Partial<Limits> | undefined
  clock?: Clock | undefined
  log?: Log | undefined
  /** What happens when a session's queue is full; 'drop-newest' by default. Every drop is counted. */
  overflow?: 'drop-newest' | 'drop-oldest' | 'disconnect' | undefined
}

export interface CloseOptions {
  /** Milliseconds that connections get to take what is on its way; 1000 by default. */
  graceMs?: number | undefined
  /** Another server, told to MQTT 5.0 clients. Section 4.13. */
  serverReference?: string | undefined
}

export interface Broker extends AsyncDisposable {
  /** Resolves when every listener accepts connections. Throws `BrokerError`. */
  listen(): Promise<void>
  /** One per listener, in their order; empty before `listen`. */
  readonly addresses: readonly ListenerAddress[]
  stats(): BrokerStats
  /** Says 0x8B to MQTT 5.0 clients, flushes, commits; settles at the latest some moments after `graceMs`. */
  close(options?: CloseOptions): Promise<void>
}

/** Checks the options and loads the store; nothing listens yet. Throws `BrokerError`. */
export async function createBroker(_options: BrokerOptions): Promise<Broker> {
  throw new Error('The broker is not put together yet.')
}
