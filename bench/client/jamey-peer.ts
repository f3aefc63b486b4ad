import { type Client, type ConnectOptions, connect, type PublishOptions } from '@jamey/mqtt'
import type { QoS } from '@jamey/protocol'
import type { Settling } from './driver.js'
import {
  type Addressing,
  type OnMessage,
  type Peer,
  type PeerOptions,
  type Received,
  sentOf,
  urlOf,
} from './peer.js'
import { CONTROL } from './sink.js'

const OPTIONS: readonly PublishOptions[] = [{ qos: 0 }, { qos: 1 }, { qos: 2 }]

/** @jamey/mqtt. */
export class JameyPeer implements Peer {
  readonly #client: Client
  readonly #stopObserving: () => void

  constructor(client: Client, onFailure: (error: unknown) => void) {
    this.#client = client
    this.#stopObserving = client.onState((change) =>
      onFailure(new Error(`the connection was lost: ${change.cause?.message}`)),
    )
  }

  static async connect(options: PeerOptions, more: Partial<ConnectOptions> = {}): Promise<JameyPeer> {
    const { ca, clientId, onFailure } = options
    const client = await connect({
      url: urlOf(options),
      clientId,
      onBackgroundError: onFailure,
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...more,
    })
    return new JameyPeer(client, onFailure)
  }

  publish(topic: string, payload: Buffer, qos: QoS, settling: Settling, addressing?: Addressing): void {
    const options = addressing === undefined ? OPTIONS[qos] : { qos, properties: addressing }
    this.#client.publish(topic, payload, options).then(settling.onSettled, settling.onFailed)
  }

  async subscribe(filter: string, qos: QoS, onMessage: OnMessage): Promise<void> {
    await this.#client.subscribe(filter, { qos }, (message) =>
      onMessage(message.payload, message.properties ?? NO_PROPERTIES),
    )
  }

  async startBlast(): Promise<void> {
    await this.#client.publish(CONTROL.start, '', { qos: 1 })
  }

  async stopBlast(): Promise<number> {
    const report = new Promise<Uint8Array>((resolve, reject) => {
      this.#client.subscribe(CONTROL.report, { qos: 0 }, ({ payload }) => resolve(payload)).catch(reject)
    })
    await this.#client.publish(CONTROL.stop, '', { qos: 1 })
    return sentOf(await report)
  }

  async close(): Promise<void> {
    this.#stopObserving()
    const left = await this.#client.close({ timeoutMs: 30_000 })
    if (left.unacknowledgedMessages === 0 && left.runningHandlers === 0) return
    throw new Error(`close left something: ${JSON.stringify(left)}`)
  }
}

const NO_PROPERTIES: Received = Object.freeze({})
