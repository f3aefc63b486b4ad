import { inspect } from 'node:util'
import { MqttClient } from './mqtt-client.js'
import type { Settings } from './settings.js'

/** The client as Node prints it: neither options nor credentials, so what is logged by accident holds no secret. [promise 19] */
export class NodeClient extends MqttClient {
  readonly #url: string | undefined

  constructor(settings: Settings) {
    super(settings)
    this.#url = settings.endpoints[0]?.href
  }

  [inspect.custom](): string {
    return `MqttClient { clientId: '${this.clientId}', url: '${this.#url}', state: '${this.state}' }`
  }
}
