import { randomUUID } from 'node:crypto'
import { type Message, type RequestContext, RequestError, type StateChange, type StateName } from '@jamey/bus'
import {
  type DataInput,
  type MemoryUpdate,
  type RequestContract,
  type ResponseData,
  topics,
} from '@jamey/contracts'
import type { MemoryBus } from './memory-service.js'

type Handler = (request: Message<unknown>, context: RequestContext) => unknown

export interface PublishedUpdate {
  readonly update: MemoryUpdate
  readonly messageId: string
}

export interface ReportedError {
  readonly error: unknown
  readonly kind: string
}

/** A bus without a broker: requests go to the handler that serves them, published updates are kept. */
export class FakeBus {
  readonly clientId = 'jamey-memory'
  state: StateName = 'connected'
  readonly published: PublishedUpdate[] = []
  readonly reported: ReportedError[] = []
  /** Called before an update counts as published; may reject, or never settle. */
  beforePublish: () => Promise<void> = async () => {}
  /** Called before a contract counts as served; may reject, or settle later. */
  beforeServe: (action: string) => Promise<void> = async () => {}
  readonly #handlers = new Map<string, Handler>()
  readonly #listeners = new Set<(change: StateChange) => void>()
  readonly #working = new Set<Promise<unknown>>()
  #watchers: (() => void)[] = []

  get served(): string[] {
    return [...this.#handlers.keys()]
  }

  get listeners(): number {
    return this.#listeners.size
  }

  become(state: StateName): void {
    this.state = state
    for (const listener of this.#listeners) listener({ state })
  }

  onState(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async serve(contract: RequestContract, _options: unknown, handler: Handler) {
    const key = `${contract.service} ${contract.topic} ${contract.action}`
    await this.beforeServe(contract.action)
    this.#handlers.set(key, handler)
    return {
      stop: async () => {
        this.#handlers.delete(key)
        await Promise.allSettled(this.#working)
      },
    }
  }

  async publish(contract: unknown, data: unknown, options: { messageId?: string } = {}) {
    if (contract !== topics.memory.updates) throw new TypeError('the memory publishes updates only')
    await this.beforePublish()
    const update = topics.memory.updates.schema.parse(data)
    this.published.push({ update, messageId: options.messageId ?? '' })
    this.#changed()
    return { messageId: options.messageId ?? '', reasonCode: 0 }
  }

  readonly faults = new Map<string, unknown>()

  setFault(name: string, fault: unknown): void {
    if (fault === undefined) this.faults.delete(name)
    else this.faults.set(name, fault)
  }

  readonly remarks = new Map<string, string>()

  setRemark(name: string, text: string | undefined): void {
    if (text === undefined) this.remarks.delete(name)
    else this.remarks.set(name, text)
  }

  async reportError(error: unknown, { kind = '' }: { kind?: string } = {}): Promise<void> {
    this.reported.push({ error, kind })
    this.#changed()
  }

  /** Resolves as soon as `condition` holds, looked at whenever something was published or reported. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve)
      })
    }
  }

  async request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    {
      messageId = randomUUID() as string,
      clientId = 'agent-1',
      senderId,
    }: {
      messageId?: string
      clientId?: string
      /** Who sends it on behalf of that client; itself by default. */
      senderId?: string
    } = {},
  ): Promise<ResponseData<C>> {
    const handler = this.#handlers.get(`memory ${contract.topic} ${contract.action}`)
    if (handler === undefined)
      throw new RequestError('no-responder', 'nobody serves this', { retryable: true })
    const message: Message<unknown> = {
      data: contract.schema.parse(data),
      topic: contract.topic,
      sender: { clientId: senderId ?? clientId, isVerified: true },
      principal: { clientId, permissions: undefined },
      isRetained: false,
      envelope: {
        message_id: messageId,
        timestamp: new Date().toISOString(),
        topic: contract.topic,
        payload: { action: contract.action, data },
        metadata: { client_id: clientId, correlation_id: randomUUID() },
      },
    }
    const context = {
      deadlineAtMs: Date.now() + 30_000,
      remainingMs: 30_000,
      acknowledgeAfter: () => {},
      signal: new AbortController().signal,
    }
    const answer = Promise.resolve(handler(message, context))
    this.#working.add(answer)
    try {
      return contract.responseSchema.parse(await answer) as ResponseData<C>
    } finally {
      this.#working.delete(answer)
    }
  }

  asBus(): MemoryBus {
    return this as unknown as MemoryBus
  }

  #changed(): void {
    for (const resolve of this.#watchers.splice(0)) resolve()
  }
}
