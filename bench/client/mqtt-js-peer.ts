import { Socket } from 'node:net'
import type { QoS } from '@jamey/protocol'
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt'
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

const OPTIONS: readonly IClientPublishOptions[] = [{ qos: 0 }, { qos: 1 }, { qos: 2 }]

/**
 * MQTT.js, as it comes: MQTT 5.0, its in-memory store, and its callbacks, which cost less than its promises.
 */
export class MqttJsPeer implements Peer {
  readonly #client: MqttClient
  #onMessage: OnMessage = () => {}
  #onReport: (report: Uint8Array) => void = () => {}
  #isClosing = false

  private constructor(client: MqttClient, onFailure: (error: unknown) => void) {
    this.#client = client
    client.on('error', onFailure)
    client.on('close', () => {
      if (!this.#isClosing) onFailure(new Error('the connection was lost'))
    })
    client.on('message', (topic, payload, packet) => {
      if (topic === CONTROL.report) this.#onReport(payload)
      else this.#onMessage(payload, packet.properties ?? NO_PROPERTIES)
    })
  }

  static async connect(options: PeerOptions, isWithoutDelay: boolean): Promise<MqttJsPeer> {
    const { ca, clientId, onFailure } = options
    const client = await connectAsync(urlOf(options), {
      clientId,
      protocolVersion: 5,
      ...(ca === undefined ? {} : { ca, minVersion: 'TLSv1.3' }),
    })
    // There is no option for it.
    if (isWithoutDelay && client.stream instanceof Socket) client.stream.setNoDelay(true)
    return new MqttJsPeer(client, onFailure)
  }

  publish(topic: string, payload: Buffer, qos: QoS, settling: Settling, addressing?: Addressing): void {
    const options = addressing === undefined ? OPTIONS[qos] : { qos, properties: { ...addressing } }
    this.#client.publish(topic, payload, options, settling.callback)
  }

  async subscribe(filter: string, qos: QoS, onMessage: OnMessage): Promise<void> {
    this.#onMessage = onMessage
    await this.#client.subscribeAsync(filter, { qos })
  }

  async startBlast(): Promise<void> {
    await this.#client.publishAsync(CONTROL.start, '', { qos: 1 })
  }

  async stopBlast(): Promise<number> {
    const report = new Promise<Uint8Array>((resolve) => {
      this.#onReport = resolve
    })
    await this.#client.publishAsync(CONTROL.stop, '', { qos: 1 })
    return sentOf(await report)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#client.endAsync()
  }
}

const NO_PROPERTIES: Received = Object.freeze({})
