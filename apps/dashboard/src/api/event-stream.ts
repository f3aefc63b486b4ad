import { addressOf } from './http.js'

/** A message of the bus as `/v1/events` brings it. */
export interface BusMessage {
  readonly topic: string
  readonly payload?: unknown
  readonly payload_text?: string
  readonly payload_base64?: string
  readonly qos: number
  readonly retain: boolean
  readonly sender?: string
  readonly is_verified?: boolean
  readonly on_behalf_of?: string
  readonly received_at: string
  readonly content_type?: string
  readonly user_properties?: readonly (readonly [name: string, value: string])[]
}

export interface StreamHandlers {
  onMessage(message: BusMessage): void
  /** The gateway left out as many messages, for this page was too slow. */
  onDropped(count: number): void
  /** `closed`: it is tried again after a while. */
  onState(state: 'connecting' | 'open' | 'closed'): void
}

const FIRST_DELAY_MS = 1_000
const MAXIMUM_DELAY_MS = 15_000

/**
 * Messages of some filters, for as long as it is not closed: a browser tries again by itself where the connection
 * breaks, but not where the answer is a refusal or an error, as of a gateway that starts.
 */
export class EventStream {
  readonly #address: string
  readonly #handlers: StreamHandlers
  #source: EventSource | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #delayMs = FIRST_DELAY_MS

  constructor(filters: readonly string[], handlers: StreamHandlers) {
    this.#address = addressOf('v1/events', { filter: filters })
    this.#handlers = handlers
    this.#open()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#source?.close()
  }

  #open(): void {
    const source = new EventSource(this.#address)
    this.#source = source
    this.#handlers.onState('connecting')
    source.addEventListener('open', () => {
      this.#delayMs = FIRST_DELAY_MS
      this.#handlers.onState('open')
    })
    source.addEventListener('message', ({ data }) => this.#handlers.onMessage(JSON.parse(data) as BusMessage))
    source.addEventListener('dropped', ({ data }) =>
      this.#handlers.onDropped((JSON.parse(data) as { count: number }).count),
    )
    // The gateway's own connection to the broker: after it broke, what is retained comes anew.
    source.addEventListener('state', ({ data }) => {
      const { state } = JSON.parse(data) as { state: string }
      this.#handlers.onState(state === 'connected' ? 'open' : 'closed')
    })
    source.addEventListener('error', () => {
      this.#handlers.onState('closed')
      if (source.readyState !== EventSource.CLOSED) return
      this.#timer = setTimeout(() => this.#open(), this.#delayMs)
      this.#delayMs = Math.min(MAXIMUM_DELAY_MS, this.#delayMs * 2)
    })
  }
}
