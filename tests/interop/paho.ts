import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Debian's own Python: its packages are for no other. */
const PYTHON = '/usr/bin/python3'

export interface PahoOptions {
  port: number
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  version: 3 | 4 | 5
  transport: 'tcp' | 'websockets'
  clientId: string
  isClean: boolean
  expirySeconds: number
  /** File of the authority's certificate; present: TLS. */
  ca?: string
  /** Files of a client's certificate and its key. */
  cert?: string
  key?: string
  password?: string
  will?: { topic: string; payload: string; qos: number; retain: boolean }
}

export interface PahoMessage {
  topic: string
  payload: string
  qos: number
  retain: boolean
  properties: Record<string, unknown>
}

export interface PahoAnswer {
  /** Where the request was published. */
  topic: string
  correlationId: string
  /** Of the request, as Python computes it. */
  digest: string
  data?: Record<string, unknown>
  error?: { kind: string; message: string; retryable: boolean }
}

type PahoEvent = { event: string } & Record<string, unknown>

const running = new Set<ChildProcessByStdio<Writable, Readable, null>>()

/** A client of Eclipse paho in a process of its own. It connects again by itself, so none may outlive its test. */
export class Paho {
  readonly messages: PahoMessage[] = []
  readonly answers: PahoAnswer[] = []
  /** Why messages were not believed. */
  readonly refused: string[] = []
  sessionPresent = false
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #events: PahoEvent[] = []
  #wake: () => void = () => {}

  private constructor(options: PahoOptions) {
    const script = join(import.meta.dirname, 'paho_client.py')
    const child = spawn(PYTHON, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    createInterface({ input: child.stdout }).on('line', (line) =>
      this.#onEvent(JSON.parse(line) as PahoEvent),
    )
  }

  /** Resolves when the broker let it in. */
  static async connect(options: PahoOptions): Promise<Paho> {
    const paho = new Paho(options)
    const ended = once(paho.#child, 'exit').then(([code]): never => {
      throw new Error(`paho ended with ${code} before it was connected`)
    })
    // Of no interest once it is connected.
    ended.catch(() => {})
    const connected = await Promise.race([paho.#next('connected'), ended])
    if (connected['code'] !== 0) throw new Error(JSON.stringify(connected))
    paho.sessionPresent = connected['sessionPresent'] === true
    return paho
  }

  static endAll(): void {
    for (const child of running) child.kill('SIGKILL')
  }

  async subscribe(filter: string, qos: number): Promise<number[]> {
    this.#say({ do: 'subscribe', filter, qos })
    return (await this.#next('subscribed'))['codes'] as number[]
  }

  async unsubscribe(filter: string): Promise<void> {
    this.#say({ do: 'unsubscribe', filter })
    await this.#next('unsubscribed')
  }

  /** Resolves when it is written, or acknowledged. */
  async publish(
    topic: string,
    payload: string,
    { qos = 0, retain = false, properties = {} } = {},
  ): Promise<void> {
    this.#say({ do: 'publish', topic, payload, qos, retain, properties })
    await this.#next('published')
  }

  /** As docs/wire.md tells it; the answer comes among `answers`. The inbox has to be subscribed to. */
  async ask(
    { service, topic, action }: { service: string; topic: string; action: string },
    data: unknown,
    { isBare = false } = {},
  ): Promise<void> {
    this.#say({ do: 'ask', service, topic, action, data, isBare })
    await this.#next('published')
  }

  /** Answers each request with what it heard and from whom. */
  async serve(
    { service, topic, action }: { service: string; topic: string; action: string },
    isShared: boolean,
  ): Promise<void> {
    this.#say({ do: 'serve', service, topic, action, isShared })
    await this.#next('subscribed')
  }

  /** Says DISCONNECT. */
  async leave(): Promise<void> {
    this.#say({ do: 'disconnect' })
    await this.#next('disconnected')
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }

  /** Says nothing any more. */
  async die(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#say({ do: 'die' })
    await exit
  }

  #say(command: Record<string, unknown>): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
  }

  #onEvent(event: PahoEvent): void {
    if (event.event === 'message') this.messages.push(event as unknown as PahoMessage)
    else if (event.event === 'answered') this.answers.push(event as unknown as PahoAnswer)
    else if (event.event === 'refused') this.refused.push(String(event['why']))
    else this.#events.push(event)
    this.#wake()
  }

  async #next(name: string): Promise<PahoEvent> {
    for (;;) {
      const event = this.#events.shift()
      if (event?.event === name) return event
      if (event !== undefined) throw new Error(`expected ${name}, got ${JSON.stringify(event)}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
