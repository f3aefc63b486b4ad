import type { QoS } from '@jamey/protocol'
import type { Settling } from './driver.js'

/** What a message may be sent with besides its payload. */
export interface Addressing {
  readonly responseTopic?: string
  readonly correlationData: Buffer
}

/** What a message came with. */
export interface Received {
  readonly responseTopic?: string | undefined
  readonly correlationData?: Uint8Array | undefined
}

/** Where a promise is returned, a client that can waits for it with its acknowledgement. */
export type OnMessage = (payload: Uint8Array, received: Received) => unknown

/** A client under test, used as its own documentation suggests for the most speed. */
export interface Peer {
  publish(topic: string, payload: Buffer, qos: QoS, settling: Settling, addressing?: Addressing): void
  subscribe(filter: string, qos: QoS, onMessage: OnMessage): Promise<void>
  /** Tells the sink to send. */
  startBlast(): Promise<void>
  /** Tells it to stop; resolves with how many messages it has sent. */
  stopBlast(): Promise<number>
  /** Sends what is on its way, says goodbye, and hangs up. */
  close(): Promise<void>
}

export interface PeerOptions {
  readonly port: number
  /** PEM; TLS 1.3 where it is given. */
  readonly ca: string | undefined
  readonly clientId: string
  /** Called with whatever goes wrong on its own, a lost connection included. */
  readonly onFailure: (error: unknown) => void
}

export function urlOf({ port, ca }: PeerOptions): string {
  return `${ca === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${port}`
}

export function sentOf(report: Uint8Array): number {
  return (JSON.parse(Buffer.from(report).toString()) as { sent: number }).sent
}
