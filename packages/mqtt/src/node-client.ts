import { inspect } from 'node:util'
import type { Message } from './message.js'
import { MessageStream } from './message-stream.js'
import { MqttClient } from './mqtt-client.js'
import type { MessagesOptions } from './options.js'
import type { Settings } from './settings.js'

/** The client with what pages do without: how Node prints it (no options, no credentials [promise 19]), and streams at once. */
export class NodeClient extends MqttClient {
  readonly #url: string | undefined

  constructor(settings: Settings) {
    super(settings)
    this.#url = settings.endpoints[0]?.href
  }

  /** Nothing has to be fetched here: the first `next()` subscribes before whatever is published after it. */
  override messages(filter: string, options: MessagesOptions = {}): AsyncIterableIterator<Message> {
    return this.makeStream(MessageStream, filter, options)
  }

  [inspect.custom](): string {
    return `MqttClient { clientId: '${this.clientId}', url: '${this.#url}', state: '${this.state}' }`
  }
}
