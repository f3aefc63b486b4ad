import { Worker } from 'node:worker_threads'
import { StorageError } from '../model/errors.js'
import type { VectorThreadOptions } from '../vectors/vector-thread.js'
import { FairQueue } from './fair-queue.js'
import {
  type Answer,
  type Call,
  errorFrom,
  OPENING,
  type OpeningListeners,
  type Settled,
  type ThreadOptions,
} from './thread-message.js'

export interface MemoryThreadOptions extends OpeningListeners {
  readonly store: ThreadOptions | VectorThreadOptions
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Number of calls that are with the thread at once; the others wait here, where they can still be given up. */
  readonly maximumRunning: number
  /** Number of calls of one sender with the thread; no other bound by default. */
  readonly maximumRunningPerSender?: number | undefined
  /** Sum of the weights of calls with the thread, though never less than one call. */
  readonly maximumRunningWeight?: number | undefined
  /** Number of waiting calls from which on more are refused with 'storage-overloaded'. */
  readonly maximumWaiting: number
  /** The module that runs in the thread; `memory-worker.ts` by default. */
  readonly worker?: URL | undefined
}

/** The sender of a call, and its cost; calls of the service itself have no sender. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly sender?: string | undefined
  /** The cost that its sender is charged; without one the milliseconds that the thread has it. */
  readonly weight?: number | undefined
}

interface Pending {
  readonly sender: string
  readonly weight: number | undefined
  startedAtMs: number
  readonly name: Call['name']
  readonly arguments: readonly unknown[]
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** It waits no longer: its signal is let go of. */
  readonly leave: () => void
}

/** No client has such an identifier. */
const CLOSING = '\0closing'

/** The worker lies above this module; where the sources themselves run, as in tests, the built one is used. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/memory-worker.js' : '../memory-worker.js',
  import.meta.url,
)

/**
 * A store in a thread of its own, so that no statement runs on an event loop that others wait for. A thread that
 * ends unasked fails the calls it had with the retryable 'storage-thread', and the next call starts another.
 */
export class MemoryThread {
  readonly #options: MemoryThreadOptions
  readonly #running = new Map<number, Pending>()
  readonly #waiting = new FairQueue<Pending>()
  /** Calls with the thread, by sender. */
  readonly #runningOf = new Map<string, number>()
  #runningWeight = 0
  /** What the thread is sent when this turn is done, together: waking it takes longer than most of what is sent. */
  #unsent: Call[] = []
  readonly #mayRun: (sender: string) => boolean
  #lastId = OPENING
  #worker: Worker | undefined
  #opened: Promise<void> | undefined
  #wasOpened = false
  #isClosed = false

  private constructor(options: MemoryThreadOptions) {
    this.#options = options
    const { maximumRunningPerSender = Number.POSITIVE_INFINITY } = options
    this.#mayRun = (sender) => (this.#runningOf.get(sender) ?? 0) < maximumRunningPerSender
  }

  /** Rejects with `StorageError` where the file cannot be opened. */
  static async open(options: MemoryThreadOptions): Promise<MemoryThread> {
    const thread = new MemoryThread(options)
    await thread.#open()
    return thread
  }

  /** Resolves with what the method `name` of the store gives; a signal ends the waiting alone. Senders take turns. */
  call<T>(name: Call['name'], given: readonly unknown[], options: CallOptions = {}): Promise<T> {
    const { signal, sender = '', weight } = options
    if (this.#isClosed) return Promise.reject(closedError(this.#options.store.file))
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { maximumWaiting } = this.#options
    if (this.#waiting.size >= maximumWaiting) {
      return Promise.reject(
        new StorageError('storage-overloaded', `${maximumWaiting} calls already wait; try again later.`),
      )
    }
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => this.#giveUp(pending, signal)
      const leave = (): void => signal?.removeEventListener('abort', giveUp)
      const pending: Pending = {
        sender,
        weight,
        startedAtMs: 0,
        name,
        arguments: given,
        resolve: resolve as Pending['resolve'],
        reject,
        leave,
      }
      this.#waiting.push(sender, pending)
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#fill()
    })
  }

  /** Finishes what was asked for and closes the file. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    // Behind whatever was asked for before.
    this.#waiting.charge(CLOSING, Number.MAX_VALUE)
    const closing = this.#worker === undefined ? undefined : this.call('close', [], { sender: CLOSING })
    this.#isClosed = true
    await closing
  }

  /** A call with a weight is charged before; the cost of others is known when they are done. */
  #begin(pending: Pending): void {
    const { sender, weight = 0 } = pending
    pending.startedAtMs = performance.now()
    this.#runningOf.set(sender, (this.#runningOf.get(sender) ?? 0) + 1)
    this.#runningWeight += weight
    this.#waiting.charge(sender, weight)
  }

  #leave({ sender, weight, startedAtMs }: Pending): void {
    const running = (this.#runningOf.get(sender) ?? 1) - 1
    if (running > 0) this.#runningOf.set(sender, running)
    else this.#runningOf.delete(sender)
    this.#runningWeight -= weight ?? 0
    if (weight === undefined) this.#waiting.charge(sender, performance.now() - startedAtMs)
  }

  #giveUp(pending: Pending, signal: AbortSignal | undefined): void {
    this.#waiting.remove(pending.sender, pending)
    pending.reject(signal?.reason)
  }

  #failWaiting(error: unknown): void {
    for (const { leave, reject } of this.#waiting.clear()) {
      leave()
      reject(error)
    }
  }

  #fill(): void {
    const { maximumRunningWeight = Number.POSITIVE_INFINITY } = this.#options
    while (this.#waiting.size > 0 && this.#running.size < this.#options.maximumRunning) {
      if (this.#runningWeight >= maximumRunningWeight) return
      if (this.#worker === undefined) return this.#reopen()
      const pending = this.#waiting.take(this.#mayRun)
      if (pending === undefined) return
      pending.leave()
      this.#begin(pending)
      this.#lastId += 1
      this.#running.set(this.#lastId, pending)
      const { name, arguments: given } = pending
      this.#send({ id: this.#lastId, name, arguments: given, nowMs: this.#options.now() })
    }
  }

  #send(call: Call): void {
    if (this.#unsent.length === 0) queueMicrotask(() => this.#post(this.#unsent.splice(0)))
    this.#unsent.push(call)
  }

  #post(calls: readonly Call[]): void {
    try {
      this.#worker?.postMessage(calls)
    } catch (error) {
      // Arguments that cannot be copied to another thread cost their call alone.
      if (calls.length > 1) for (const call of calls) this.#post([call])
      else for (const { id } of calls) this.#refuse(id, error)
    }
  }

  #refuse(id: number, error: unknown): void {
    const pending = this.#running.get(id)
    if (pending === undefined) return
    this.#running.delete(id)
    this.#leave(pending)
    pending.reject(error)
    this.#fill()
  }

  #reopen(): void {
    if (this.#opened !== undefined) return
    this.#open().then(
      () => this.#fill(),
      (error: unknown) => this.#failWaiting(error),
    )
  }

  #open(): Promise<void> {
    this.#opened = new Promise<void>((resolve, reject) => {
      // Options of the process's own command line are not the thread's.
      const workerData = { ...this.#storeOptions(), nowMs: this.#options.now() }
      const options = { workerData, name: 'jamey-memory', execArgv: [] }
      const worker = new Worker(this.#options.worker ?? WORKER, options)
      const take = (answer: Answer): void => {
        if ('progress' in answer) return this.#options.onProgress?.(answer.progress)
        if ('salvaged' in answer) return this.#options.onSalvaged?.(answer.salvaged)
        if (answer.id !== OPENING) return this.#settle(answer)
        if ('error' in answer) return reject(errorFrom(answer.error))
        this.#worker = worker
        this.#wasOpened = true
        resolve()
      }
      worker.on('message', (answers: readonly Answer[]) => {
        for (const answer of answers) take(answer)
        this.#fill()
      })
      let cause: unknown
      worker.on('error', (error) => {
        cause = error
      })
      worker.on('exit', (code) => {
        const error = endedError(this.#options.store.file, code, cause)
        reject(error)
        if (this.#worker === worker) this.#end(error)
      })
    }).finally(() => {
      this.#opened = undefined
    })
    return this.#opened
  }

  /** A thread that follows another does not take the file from whoever has taken it since. */
  #storeOptions(): ThreadOptions | VectorThreadOptions {
    const { store } = this.#options
    if (store.claim === undefined || !this.#wasOpened) return store
    return { ...store, claim: { ...store.claim, isNew: false } }
  }

  #settle(answer: Settled): void {
    const pending = this.#running.get(answer.id)
    this.#running.delete(answer.id)
    if (pending !== undefined) this.#leave(pending)
    if ('error' in answer) pending?.reject(errorFrom(answer.error))
    else pending?.resolve(answer.value)
  }

  #end(error: StorageError): void {
    this.#worker = undefined
    this.#unsent = []
    const lost = [...this.#running.values()]
    this.#running.clear()
    for (const pending of lost) {
      this.#leave(pending)
      pending.reject(error)
    }
    if (!this.#isClosed) this.#fill()
    else this.#failWaiting(closedError(this.#options.store.file))
  }
}

function endedError(file: string, code: number, cause: unknown): StorageError {
  const reason = cause instanceof Error ? cause.message : `exit code ${code}`
  return new StorageError(
    'storage-thread',
    `The thread that keeps the memory file ${file} has ended (${reason}); another one is started.`,
    cause,
  )
}

function closedError(file: string): StorageError {
  return new StorageError('storage-closed', `The memory file ${file} is closed.`)
}
