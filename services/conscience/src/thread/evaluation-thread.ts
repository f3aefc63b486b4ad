import { Worker } from 'node:worker_threads'
import { type Clock, type RequestContext, RequestError } from '@jamey/bus'
import type { Policy } from '../policy/policy.js'
import type { SessionRecord, StoredRecord } from '../session/session-table.js'
import type {
  Findings,
  HeardEntry,
  Order,
  Outcome,
  Report,
  Result,
  ThreadOptions,
  Work,
} from './evaluation-message.js'
import { EvaluationQueue, type Queued } from './evaluation-queue.js'
import { Progress } from './progress.js'
import type { Remembered } from './thread-sessions.js'

/** Sessions as they are written down, from which every thread begins. */
export interface SessionRecords {
  /** All of each session together; what was asked to be written before is among them. */
  load(): AsyncIterable<readonly StoredRecord[]>
  /** To be written, of what another conscience remembers. */
  onRecords(records: readonly SessionRecord[]): void
  /** So many sessions could not be read again. */
  onDamaged(sessions: number): void
}

export interface EvaluationThreadOptions {
  readonly policy: Policy
  readonly budgetMs: number | undefined
  readonly clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>
  /** The thread has ended by itself, or was ended; another one is started. */
  readonly onEnd: (error: RequestError) => void
  readonly sessions?: SessionRecords | undefined
  /** The module that runs in the thread; `evaluation-worker.ts` by default. */
  readonly worker?: URL | undefined
}

interface Pending extends Queued {
  /** As JSON. */
  readonly work: string
  readonly context: Pick<RequestContext, 'remainingMs'>
  /** The part of the requester's time that has to be left for the evaluation to begin. */
  readonly answeringMs: number
  readonly resolve: (outcome: Findings | Remembered) => void
  readonly reject: (error: RequestError) => void
}

/** Above this module, and the built one where the sources themselves run, as in tests. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/evaluation-worker.js' : '../evaluation-worker.js',
  import.meta.url,
)
/**
 * Bounds of one sender's waiting, 320 evaluations of the longest actions, and of what is with the thread. To refuse is
 * work, too, and whoever is refused comes again: with less room, that cost others more.
 */
const LIMITS = {
  waitingCharacters: 3_300_000,
  running: 64,
  runningCharacters: 41_000,
  crowded: 128,
  full: 192,
}
/**
 * The part of a requester's time, and the most of it, that is left to the answer: what begins later than that would keep
 * back those who can still be answered.
 */
const ANSWERING_SHARE = 0.1
const LONGEST_ANSWERING_MS = 500
/** For whoever is refused: long enough that most of what waited is done. */
const RETRY_AFTER_MS = 1_000
/** Many times what that many evaluations need, of the longest texts. */
const HEAP_MEGABYTES = 256
/** A thread that is at one step for longer than this is ended: no step takes a hundredth of it. */
const STALLED_MS = 10_000
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 1_000
const HIGHEST_ID = 0x7fff_ffff
/** Entries of others while no thread is ready; more are missed, which a session notices. */
const MAXIMUM_EARLY = 1_000

/**
 * Evaluations in a thread of its own, so that none of them keeps an event loop waiting, and neither does whoever asks
 * for many: of each sender a few are with the thread, which works on all that it has in turns of the senders.
 *
 * A thread that ends unasked costs the evaluation it was at, which fails with the retryable 'evaluation-ended'; the
 * others are done by the next one.
 */
export class EvaluationThread {
  readonly #options: EvaluationThreadOptions
  readonly #queue = new EvaluationQueue<Pending>(LIMITS)
  readonly #running = new Map<number, Pending>()
  #policy: Policy
  #worker: Worker | undefined
  #isReady = false
  readonly #early: HeardEntry[] = []
  /** Orders that are sent together when this turn is done: to wake the thread takes longer than to write most of them down. */
  #unsent: Order[] = []
  readonly #opened = withResolver()
  #progress = new Progress()
  #delayMs = FIRST_DELAY_MS
  #restart: unknown
  #watch: unknown
  #lastId = 0
  #isClosed = false

  constructor(options: EvaluationThreadOptions) {
    this.#options = options
    this.#policy = options.policy
    this.#start()
  }

  /** Resolves when the first thread is there, however often it has to be started; or when it is closed. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Rejects with a retryable `RequestError`: `context` tells for how long somebody waits. */
  evaluate(sender: string, work: Work, context: Pending['context']): Promise<Findings> {
    return this.#done(sender, work, context) as Promise<Findings>
  }

  /** Has something remembered. Rejects as `evaluate` does. */
  tell(sender: string, report: Report, context: Pending['context']): Promise<Remembered> {
    return this.#done(sender, report, context) as Promise<Remembered>
  }

  /** Hands on an entry that another conscience remembers. */
  hear(entry: HeardEntry): void {
    if (this.#isReady) this.#order(entry)
    else if (this.#early.length < MAXIMUM_EARLY) this.#early.push(entry)
  }

  /** Has another thread begin from what is written down: this one remembers what could not be. */
  restart(reason: string): void {
    this.#worker?.emit('error', new Error(reason))
    void this.#worker?.terminate()
  }

  #done(sender: string, wanted: Work | Report, context: Pending['context']): Promise<Findings | Remembered> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closedError())
      const work = JSON.stringify(wanted)
      const characters = work.length
      const answeringMs = Math.min(ANSWERING_SHARE * context.remainingMs, LONGEST_ANSWERING_MS)
      if (!this.#queue.add({ sender, characters, work, context, answeringMs, resolve, reject })) {
        return reject(overloadedError(sender))
      }
      this.#fill()
    })
  }

  /** True where a sender has room for so many characters; without it nothing need be looked at more closely. */
  hasRoomFor(sender: string, characters: number): boolean {
    return this.#queue.hasRoomFor({ sender, characters })
  }

  /** The policy of evaluations that begin from now on. */
  use(policy: Policy): void {
    this.#policy = policy
    this.#order({ policy: policy.source })
  }

  /** Gives up what is not done. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#opened.resolve()
    const { clock } = this.#options
    clock.clearTimeout(this.#restart)
    clock.clearTimeout(this.#watch)
    const given = [...this.#running.values(), ...this.#queue.clear()]
    this.#running.clear()
    for (const { reject } of given) reject(closedError())
    await this.#worker?.terminate()
  }

  #order(order: Order): void {
    if (this.#unsent.length === 0) queueMicrotask(() => this.#send())
    this.#unsent.push(order)
  }

  #send(): void {
    const orders = this.#unsent
    this.#unsent = []
    if (orders.length > 0) this.#worker?.postMessage(orders)
  }

  #fill(): void {
    while (this.#isReady) {
      const pending = this.#queue.take()
      if (pending === undefined) return
      const { sender, work, context, answeringMs } = pending
      const leftMs = context.remainingMs
      if (leftMs <= answeringMs) {
        pending.reject(lateError())
        this.#queue.end(pending)
        continue
      }
      this.#lastId = this.#lastId === HIGHEST_ID ? 1 : this.#lastId + 1
      this.#running.set(this.#lastId, pending)
      this.#order(
        `{"id":${this.#lastId},"sender":${JSON.stringify(sender)},"leftMs":${leftMs},"work":${work}}`,
      )
      if (this.#watch === undefined) this.#look(undefined)
    }
  }

  #settle({ id, result }: Outcome): void {
    const pending = this.#running.get(id)
    if (pending === undefined) return
    this.#running.delete(id)
    if (result === 'late') pending.reject(lateError())
    else pending.resolve(result)
    this.#queue.end(pending)
    this.#fill()
  }

  #start(): void {
    this.#progress = new Progress()
    const { budgetMs, worker: module = WORKER } = this.#options
    const data: ThreadOptions = {
      policy: this.#policy.source,
      budgetMs,
      progress: this.#progress.buffer,
    }
    try {
      this.#worker = new Worker(module, {
        workerData: data,
        name: 'jamey-conscience',
        // Options of the process's own command line are not the thread's.
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
      })
    } catch (error) {
      return this.#end(reasonOf(error, 0))
    }
    const worker = this.#worker
    worker.unref()
    worker.on('message', (results: readonly Result[]) => {
      for (const result of results) this.#take(worker, result)
    })
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => this.#end(reasonOf(cause, code)))
  }

  #take(worker: Worker, result: Result): void {
    if (typeof result === 'string') this.#settle(JSON.parse(result) as Outcome)
    else if ('isReady' in result) void this.#begin(worker)
    else if ('records' in result) this.#options.sessions?.onRecords(result.records)
    else this.#options.sessions?.onDamaged(result.damaged)
  }

  /** A thread gets work once it has the sessions. */
  async #begin(worker: Worker): Promise<void> {
    try {
      for await (const sessions of this.#options.sessions?.load() ?? [])
        worker.postMessage([{ sessions }] satisfies Order[])
    } catch (error) {
      worker.emit('error', error)
      return void worker.terminate()
    }
    if (this.#worker !== worker) return
    this.#isReady = true
    this.#opened.resolve()
    this.#delayMs = FIRST_DELAY_MS
    for (const entry of this.#early.splice(0)) this.#order(entry)
    this.#fill()
  }

  #end(reason: string): void {
    this.#worker = undefined
    this.#unsent = []
    if (this.#isClosed) return
    const { clock, onEnd } = this.#options
    const error = endedError(reason)
    const culprit = this.#running.get(this.#progress.id ?? 0)
    // The next thread does the others, in their order.
    for (const pending of [...this.#running.values()].reverse()) {
      if (pending === culprit) this.#queue.end(pending)
      else this.#queue.putBack(pending)
    }
    this.#running.clear()
    culprit?.reject(error)
    // One that could not even begin may have found no room; there may be some later.
    this.#restart = clock.setTimeout(() => this.#start(), this.#isReady ? 0 : this.#delayMs)
    if (!this.#isReady) this.#delayMs = Math.min(2 * this.#delayMs, LONGEST_DELAY_MS)
    this.#isReady = false
    onEnd(error)
  }

  /** Ends a thread that gets nowhere, for as long as there is anything to be done. */
  #look(beats: number | undefined): void {
    this.#watch = undefined
    if (this.#running.size === 0) return
    const { id, beats: now } = this.#progress
    if (id !== undefined && now === beats) {
      this.#worker?.emit('error', new Error(`one step took longer than ${STALLED_MS} ms`))
      return void this.#worker?.terminate()
    }
    this.#watch = this.#options.clock.setTimeout(() => this.#look(now), STALLED_MS)
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

function reasonOf(cause: unknown, code: number): string {
  return cause instanceof Error ? cause.message : `exit code ${code}`
}

function endedError(reason: string): RequestError {
  const message = `The thread that evaluates actions has ended (${reason}); another one is started.`
  return new RequestError('evaluation-ended', message, { retryable: true })
}

export function overloadedError(sender: string): RequestError {
  const message = `As much text of ${sender} waits here as one client may have; try again when some of it is judged.`
  return new RequestError('overloaded', message, { retryable: true, retryAfterMs: RETRY_AFTER_MS })
}

function lateError(): RequestError {
  return new RequestError('aborted', 'The deadline passed before there was a verdict.', { retryable: true })
}

function closedError(): RequestError {
  return new RequestError('aborted', 'The conscience stops; ask again.', { retryable: true })
}
