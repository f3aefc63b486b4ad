import { type Client, type ConnectOptions, connect, createClient, type MqttError } from '../index.js'

interface Closable {
  readonly port: number
  close(): Promise<void>
}

interface Parts<Options, Peer extends Closable, Proxy extends Closable> {
  readonly onTestFinished: (cleanUp: () => Promise<void>) => void
  readonly listen: (options?: Options) => Promise<Peer>
  readonly proxy: (port: number) => Promise<Proxy>
}

export interface Harness<Options, Peer, Proxy> {
  startPeer(options?: Options): Promise<Peer>
  startProxy(peer: { port: number }): Promise<Proxy>
  /** A connected client. */
  connectTo(peer: { url: string }, options?: ConnectOptions): Promise<Client>
  /** A client that is not connected yet. */
  makeClient(options: ConnectOptions): Client
}

/** Servers, proxies and clients that end with the test that made them. */
export function makeHarness<Options, Peer extends Closable, Proxy extends Closable>(
  parts: Parts<Options, Peer, Proxy>,
): Harness<Options, Peer, Proxy> {
  const closeLater = (client: Client): Client => {
    parts.onTestFinished(async () => {
      await client.close({ drain: false, timeoutMs: 500 })
    })
    return client
  }
  return {
    startPeer: async (options) => {
      const peer = await parts.listen(options)
      parts.onTestFinished(() => peer.close())
      return peer
    },
    startProxy: async ({ port }) => {
      const proxy = await parts.proxy(port)
      parts.onTestFinished(() => proxy.close())
      return proxy
    },
    connectTo: async ({ url }, options) => closeLater(await connect({ url, clientId: 'test', ...options })),
    makeClient: (options) => closeLater(createClient({ clientId: 'test', ...options })),
  }
}

/** What went wrong in the background of the clients of a test. */
export function collectErrors(): { errors: MqttError[]; onBackgroundError: (error: MqttError) => void } {
  const errors: MqttError[] = []
  return { errors, onBackgroundError: (error) => errors.push(error) }
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

/** True on Bun, where some of what a test looks at cannot be seen. */
export const isBun = process.versions['bun'] !== undefined
