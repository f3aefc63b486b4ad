import { type Client, type ConnectOptions, connect, type MqttError } from '@jamey/mqtt'

/** What the test may have the page do. Everything goes through JSON on its way, so it is plain. */
export interface PageProgram {
  /** Names of Node that are there although a page has none. */
  foreignNames(): string[]
  open(options: ConnectOptions): Promise<{ clientId: string }>
  /** `name code` of what `open` is refused with. */
  refusal(options: ConnectOptions): Promise<string>
  listen(filter: string, qos: 0 | 1 | 2): Promise<number>
  publish(topic: string, text: string, qos: 0 | 1 | 2): Promise<number>
  /** As many bytes as asked for, many times, all of them acknowledged. */
  flood(topic: string, bytes: number, times: number): Promise<number>
  /** `topic=text qos` of what came to `listen`; large ones by their size. */
  received(): string[]
  state(): string
  close(): Promise<{ unacknowledgedMessages: number; runningHandlers: number }>
}

const NODE_NAMES = ['Buffer', 'process', 'setImmediate', 'global', 'require']
const decoder = new TextDecoder()
const seen: string[] = []
let client: Client

const program: PageProgram = {
  foreignNames: () => NODE_NAMES.filter((name) => name in globalThis),
  async open(options) {
    client = await connect(options)
    return { clientId: client.clientId }
  },
  async refusal(options) {
    try {
      await (await connect(options)).close()
      return 'none'
    } catch (error) {
      const { name, code } = error as MqttError
      return `${name} ${code}`
    }
  },
  async listen(filter, qos) {
    const subscription = await client.subscribe(filter, { qos }, ({ topic, payload, ...message }) => {
      const text = payload.length > 100 ? `${payload.length} bytes` : decoder.decode(payload)
      seen.push(`${topic}=${text} q${message.qos}`)
    })
    return subscription.qos
  },
  async publish(topic, text, qos) {
    return (await client.publish(topic, text, { qos })).reasonCode
  },
  async flood(topic, bytes, times) {
    const payload = new Uint8Array(bytes)
    const results = await Promise.all(
      Array.from({ length: times }, () => client.publish(topic, payload, { qos: 1 })),
    )
    return results.length
  },
  received: () => seen.splice(0),
  state: () => client.state,
  close: () => client.close(),
}

Object.assign(globalThis, { program })
