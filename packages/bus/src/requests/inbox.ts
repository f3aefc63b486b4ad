import { inboxFilter } from '@jamey/contracts'
import type { Message } from '@jamey/mqtt'
import type { MqttPort, PortSubscription } from '../wire/mqtt-port.js'

/** One client's subscription for all answers, made with its first request; the client restores it after a reconnect. */
export class Inbox {
  readonly #port: MqttPort
  readonly #filter: string
  readonly #handle: (message: Message) => void
  #asked: Promise<PortSubscription> | undefined
  #granted: PortSubscription | undefined

  constructor(port: MqttPort, clientId: string, handle: (message: Message) => void) {
    this.#port = port
    this.#filter = inboxFilter(clientId)
    this.#handle = handle
  }

  get isOpen(): boolean {
    return this.#granted !== undefined
  }

  open(): Promise<unknown> {
    this.#asked ??= this.#ask()
    return this.#asked
  }

  /** The server may have lost it: it is asked for again. Without a connection the client does that by itself. */
  renew(timeoutMs: number): void {
    if (this.#port.state === 'connected') this.#granted?.renew({ timeoutMs }).catch(() => {})
  }

  async #ask(): Promise<PortSubscription> {
    try {
      this.#granted = await this.#port.subscribe(this.#filter, { qos: 1 }, (message) => this.#handle(message))
      return this.#granted
    } catch (error) {
      // The next request tries again.
      this.#asked = undefined
      throw error
    }
  }
}
