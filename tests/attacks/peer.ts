import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { type Client, type Message, PublishError, type SubscribeOptions } from '@jamey/mqtt'

export interface Claims {
  /** `metadata.client_id`; its own unless it lies. */
  clientId?: string
  correlationId?: string
  messageId?: string
  replyTo?: string | undefined
  metadata?: Record<string, unknown>
  topic?: string
  timestamp?: string
}

export interface Answer {
  data?: Record<string, unknown>
  error?: { kind: string; message: string; retryable: boolean }
}

/** The JSON of docs/wire.md, with whatever in it a scene wants to be false. */
export function envelope(
  sender: string,
  topic: string,
  action: string,
  data: unknown,
  claims: Claims = {},
): string {
  const {
    clientId = sender,
    correlationId = randomUUID(),
    messageId = randomUUID(),
    replyTo,
    metadata,
  } = claims
  return JSON.stringify({
    message_id: messageId,
    timestamp: claims.timestamp ?? new Date().toISOString(),
    topic: claims.topic ?? topic,
    payload: { action, data },
    metadata: {
      client_id: clientId,
      correlation_id: correlationId,
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      ...metadata,
    },
  })
}

/** How long a scene waits for what must not come: several times what the system takes to answer. */
const QUIET_MS = 1500

/** A client by docs/wire.md alone, honest or not. Everything that reaches it is kept. */
export class Peer {
  readonly client: Client
  readonly clientId: string
  readonly received: Message[] = []
  readonly #events = new EventEmitter()

  private constructor(client: Client, clientId: string) {
    this.client = client
    this.clientId = clientId
  }

  static async over(client: Client, clientId: string): Promise<Peer> {
    const peer = new Peer(client, clientId)
    await peer.hear(`jamey/api/responses/${clientId}/#`)
    return peer
  }

  get version(): 4 | 5 {
    return this.client.serverInformation?.protocolVersion ?? 5
  }

  /** Subscribes; rejects where the server refuses. */
  async hear(filter: string, options: SubscribeOptions = {}): Promise<void> {
    await this.client.subscribe(filter, { qos: 1, ...options }, (message) => {
      this.received.push(message)
      this.#events.emit('message')
    })
  }

  inbox(service: string, name = 'answers'): string {
    return `jamey/api/responses/${this.clientId}/${service}/${name}`
  }

  /** Publishes with QoS 1 and resolves with the reason code; 3.1.1 knows none. */
  async say(topic: string, payload: string, properties: object = {}, retain = false): Promise<number> {
    const options = { qos: 1 as const, retain, ...(this.version === 5 ? { properties } : {}) }
    try {
      return (await this.client.publish(topic, payload, options)).reasonCode
    } catch (error) {
      if (error instanceof PublishError && error.reasonCode !== undefined) return error.reasonCode
      throw error
    }
  }

  /** Everything has come that was published before; `below` is where it hears what it says. */
  async settle(below = 'jamey/test'): Promise<void> {
    const topic = `${below}/${randomUUID()}`
    await this.say(topic, '{}')
    while (!this.received.some((message) => message.topic === topic)) await once(this.#events, 'message')
  }

  /** What `hear` brought of a message with that correlation id, as bytes. */
  async copyOf(correlationId: string): Promise<string> {
    for (;;) {
      const found = this.received.find(({ payload }) => Buffer.from(payload).includes(correlationId))
      if (found !== undefined) return Buffer.from(found.payload).toString('utf8')
      await once(this.#events, 'message', { signal: AbortSignal.timeout(15_000) })
    }
  }

  /** An honest request by docs/wire.md, and its answer. */
  async ask(topic: string, action: string, data: unknown, claims: Claims = {}): Promise<Answer> {
    const service = claims.replyTo?.split('/')[4] ?? SERVICES[topic] ?? 'memory'
    const replyTo = claims.replyTo ?? this.inbox(service)
    const correlationId = claims.correlationId ?? randomUUID()
    await this.say(
      topic,
      envelope(this.clientId, topic, action, data, { ...claims, replyTo, correlationId }),
      {
        responseTopic: replyTo,
        correlationData: Buffer.from(correlationId),
        messageExpiryInterval: 20,
      },
    )
    return this.answerTo(correlationId)
  }

  /** The first answer of that correlation id. */
  async answerTo(correlationId: string, timeoutMs = 15_000): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs)
    for (;;) {
      const found = this.answersTo(correlationId)[0]
      if (found !== undefined) return found
      await once(this.#events, 'message', { signal })
    }
  }

  answersTo(correlationId: string): Answer[] {
    return this.received
      .map(({ payload }) => JSON.parse(Buffer.from(payload).toString('utf8')))
      .filter(({ metadata }) => metadata.correlation_id === correlationId)
      .map(({ payload }) => payload as Answer)
  }

  /** Until so many messages have come, or the time is over: some are never answered. */
  async hasReceived(count: number, timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs)
    while (this.received.length < count && !signal.aborted) {
      await once(this.#events, 'message', { signal }).catch(() => {})
    }
  }

  /** What of `correlationId` has come once everything that was under way must have. */
  async answersAfterAWhile(correlationId: string): Promise<Answer[]> {
    await this.quiet()
    return this.answersTo(correlationId)
  }

  /** Nothing announces that nothing comes; whoever could answer has answered others long before. */
  async quiet(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  }

  async leave(): Promise<void> {
    await this.client.close({ drain: false, timeoutMs: 1000 })
  }
}

const SERVICES: Readonly<Record<string, string>> = {
  'jamey/conscience/evaluate': 'conscience',
  'jamey/api/requests': 'api',
}
