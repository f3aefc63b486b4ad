import { FaultProxy, MqttPeer, type MqttPeerOptions } from '@jamey/testing'
import { onTestFinished } from 'vitest'
import { type Client, type ConnectOptions, connect, createClient, type MqttError } from '../index.js'

export async function startPeer(options: MqttPeerOptions = {}): Promise<MqttPeer> {
  const peer = await MqttPeer.listen(options)
  onTestFinished(() => peer.close())
  return peer
}

export async function startProxy(peer: MqttPeer): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen(peer.port)
  onTestFinished(() => proxy.close())
  return proxy
}

/** What went wrong in the background of the clients of this test. */
export function collectErrors(): { errors: MqttError[]; onBackgroundError: (error: MqttError) => void } {
  const errors: MqttError[] = []
  return { errors, onBackgroundError: (error) => errors.push(error) }
}

export async function connectTo(peer: { url: string }, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect({ url: peer.url, clientId: 'test', ...options })
  onTestFinished(async () => {
    await client.close({ drain: false, timeoutMs: 500 })
  })
  return client
}

export function makeClient(options: ConnectOptions): Client {
  const client = createClient({ clientId: 'test', ...options })
  onTestFinished(async () => {
    await client.close({ drain: false, timeoutMs: 500 })
  })
  return client
}

export const text = (payload: Uint8Array): string => Buffer.from(payload).toString()

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<MqttError> {
  try {
    await promise
  } catch (error) {
    return error as MqttError
  }
  throw new Error('the promise did not reject')
}
