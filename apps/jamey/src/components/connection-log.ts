import type { Clock, StateChange } from '@jamey/bus'
import type { Logger } from 'pino'

/** Reason codes by which a server says that it ends, or that another one takes its place. [MQTT 5.0, section 3.14.2.1] */
const ANNOUNCED: readonly unknown[] = [0x8b, 0x9c, 0x9d]
/** Time in which a server that said so is back, or the other one reached, where that went as it was meant. */
const USUAL_MS = 60_000

/** The breaker is open: somebody has to look, and may then say SIGHUP. */
export function isBreaker({ cause }: StateChange): boolean {
  return (cause as { code?: unknown } | undefined)?.code === 'breaker-open'
}

/** Logs what becomes of a component's connection. A restart that the server announced is ordinary, and warns nobody. */
export class ConnectionLog {
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly #clock: Pick<Clock, 'now'>
  /** When the server said that it ends; undefined while it has not, or since a connection was made. */
  #announcedAtMs: number | undefined

  constructor(log: Pick<Logger, 'info' | 'warn' | 'error'>, clock: Pick<Clock, 'now'>) {
    this.#log = log
    this.#clock = clock
  }

  tell(change: StateChange): void {
    const { state, cause } = change
    if (state === 'connected') {
      this.#announcedAtMs = undefined
      this.#log.info({ event: 'connection.established' }, 'connected to the broker')
    }
    // Whatever else ends a connection for good ends the process, which tells it.
    if (state === 'error' && isBreaker(change)) {
      const way = 'SIGHUP tries again; MQTT_BREAKER_FAILURES=never keeps trying for ever'
      this.#log.error(
        { event: 'connection.breaker.open', cause: cause?.message },
        `no connection to the broker, and no further attempts: ${way}`,
      )
    }
    // The client itself wants a new connection where there is no cause, for a new token: the bus has told of it.
    if (state === 'reconnecting' && cause !== undefined) this.#tellLost(change)
  }

  #tellLost({ cause, attempt, delayMs }: StateChange): void {
    const facts = { attempt, delay_ms: Math.round(delayMs ?? 0), cause: cause?.message }
    const { code, reasonCode } = (cause ?? {}) as { code?: unknown; reasonCode?: unknown }
    const nowMs = this.#clock.now()
    if (code === 'server-disconnected' && ANNOUNCED.includes(reasonCode)) this.#announcedAtMs ??= nowMs
    if (this.#announcedAtMs !== undefined && nowMs - this.#announcedAtMs < USUAL_MS) {
      this.#log.info({ event: 'connection.awaited', ...facts }, 'the broker said that it stops; trying again')
    } else {
      this.#log.warn({ event: 'connection.lost', ...facts }, 'not connected to the broker; trying again')
    }
  }
}
