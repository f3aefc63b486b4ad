import { inspect } from 'node:util'
import type { CloseOptions, CloseReport } from '../model/client.js'
import type { MqttError } from '../model/errors.js'
import type { Message } from '../model/message.js'
import type { CallOptions, MessagesOptions } from '../model/options.js'
import type { ServerInformation } from '../model/server-information.js'
import type { Settings } from '../model/settings.js'
import type { StateChange } from '../model/state.js'
import { MessageStream } from '../receiving/message-stream.js'
import { MqttClient } from './mqtt-client.js'
import { nodeParts } from './node-parts.js'
import { iterate } from './state-iteration.js'

/** The longest that a timer can wait: what comes of it is nothing, only its being there counts. */
const MAXIMUM_TIMER_MS = 2 ** 31 - 1

/**
 * The client with what pages do without: how Node prints it (no options, no credentials [promise 19]), streams at
 * once, and a process that lives as long as the client is not closed. A program that only waits for messages has
 * nothing else to live by where nothing is tried any more, and would end with a code that says that all went well.
 */
export class NodeClient extends MqttClient {
  readonly #settings: Settings
  #life: NodeJS.Timeout | undefined
  #isClosing = false
  #hasConnected = false
  /** Somebody looks at the states, and so need not be warned of one. */
  #isWatched = false

  constructor(settings: Settings) {
    super(settings, nodeParts)
    this.#settings = settings
    super.onState((change) => this.#look(change))
  }

  override async connect(options?: CallOptions): Promise<ServerInformation> {
    this.#live()
    try {
      return await super.connect(options)
    } catch (error) {
      if (this.#hasOtherAddress(error)) return this.connect(options)
      const isGivenUp = this.state === 'disconnected' || this.state === 'error'
      // Callers that waited have been told, and the process may have nothing else to live for.
      if (isGivenUp && this.#settings.waitForConnection) this.#letGo()
      throw error
    }
  }

  override reset(): void {
    this.#live()
    super.reset()
  }

  override close(options?: CloseOptions): Promise<CloseReport> {
    this.#isClosing = true
    return super.close(options).finally(() => this.#letGo())
  }

  override onState(observer: (change: StateChange) => void): () => void {
    this.#isWatched = true
    return super.onState(observer)
  }

  override states(): AsyncIterableIterator<StateChange> {
    this.#isWatched = true
    return this.makeIteration(iterate)
  }

  /** Nothing has to be fetched here: the first `next()` subscribes before whatever is published after it. */
  override messages(filter: string, options: MessagesOptions = {}): AsyncIterableIterator<Message> {
    return this.makeStream(MessageStream, filter, options)
  }

  /** `connect` fails when every server has; so long as one of them has an address that has not, it goes on. */
  #hasOtherAddress(error: unknown): boolean {
    // A refusal by the server itself holds at its other addresses, too.
    const isUnheard = ['unreachable', 'timeout'].includes((error as MqttError).code)
    if (this.state !== 'disconnected' || this.#isClosing || !isUnheard) return false
    const { endpoints, platform } = this.#settings
    return endpoints.some((endpoint) => platform.hasOtherAddress?.(endpoint) === true)
  }

  #live(): void {
    if (!this.#isClosing) this.#life ??= setInterval(() => {}, MAXIMUM_TIMER_MS)
  }

  #letGo(): void {
    clearInterval(this.#life)
    this.#life = undefined
  }

  #look({ state, cause }: StateChange): void {
    this.#hasConnected ||= state === 'connected'
    const isOver = state === 'error' || (state === 'disconnected' && !this.#isClosing)
    if (!isOver || this.#isWatched) return
    // Before the first connection, `connect` tells those who wait for it.
    if (this.#settings.waitForConnection && !this.#hasConnected) return
    const why = cause?.message ?? 'no reason is known'
    this.#settings.platform.warn(`${this.clientId} stays without a connection: ${why}`)
  }

  [inspect.custom](): string {
    const url = this.#settings.endpoints[0]?.href
    return `MqttClient { clientId: '${this.clientId}', url: '${url}', state: '${this.state}' }`
  }
}
