import {
  type Bus,
  type Clock,
  FailureReports,
  RequestError,
  type ServedContract,
  systemClock,
} from '@jamey/bus'
import { topics } from '@jamey/contracts'
import type { Logger } from 'pino'
import type { Claim } from '../file/claim.js'
import type { MigrationProgress } from '../file/migrate.js'
import type { Salvaged } from '../file/salvage.js'
import type { EmbeddingSettings } from '../model/embeddings.js'
import { MemoryConflictError, MemoryInputError, MemoryRefusedError, StorageError } from '../model/errors.js'
import type { MemoryStorage, MemoryStoreStats } from '../model/memory-storage.js'
import { shownAddress } from '../postgres/database-address.js'
import {
  type DatabaseSettings,
  PostgresMemory,
  type PostgresMemoryOptions,
} from '../postgres/postgres-memory.js'
import type { MemoryStoreOptions } from '../store/memory-store.js'
import { openThreadedMemory, type ThreadedMemoryOptions } from '../thread/threaded-memory.js'
import { Announcer } from './announcer.js'
import { type OwnedFile, openOwned } from './owned-file.js'
import { RecallCounts } from './recall-counts.js'
import { type MemoryGroups, noteRecalls, serveMemory } from './served-requests.js'
import { openShared } from './shared-database.js'
import { Sweeper } from './sweeper.js'

/** The part of a bus that the service needs. */
export type MemoryBus = Pick<
  Bus,
  'clientId' | 'state' | 'onState' | 'publish' | 'serve' | 'reportError' | 'setFault' | 'setRemark'
>

export interface MemoryOptions
  extends Omit<MemoryStoreOptions, 'now' | 'announcer' | 'claim' | 'onProgress' | 'onSalvaged'> {
  /** Connected, or connecting in the background; it stays open when the service stops. */
  readonly bus: MemoryBus
  /** Who is in which group: client identifiers by name. None by default. */
  readonly groups?: MemoryGroups | undefined
  /** Seconds between sweeps for what has expired; 60 by default. */
  readonly sweepIntervalSeconds?: number | undefined
  readonly clock?: Clock | undefined
  readonly log?: Logger | undefined
  /** A database that keeps the memories instead of the file; other instances may serve it at the same time. */
  readonly database?: DatabaseSettings | undefined
  /** Where texts and questions are sent for their vectors; nowhere without it. */
  readonly embeddings?: EmbeddingSettings | undefined
  /** Opens the file; in threads of its own by default, so that no search holds up the bus. */
  readonly open?: ((options: ThreadedMemoryOptions) => Promise<MemoryStorage>) | undefined
}

export interface MemoryService {
  /**
   * Opens the file and serves; resolves once requests are taken, which they are not for as long as another process serves
   * this file. Throws `StorageError`.
   */
  start(): Promise<void>
  /** Takes no more requests, answers those taken, publishes what can be, and closes the file; settles within `graceMs` (5000 by default). */
  stop(options?: { graceMs?: number }): Promise<void>
  /** Undefined unless started. */
  stats(): Promise<MemoryStoreStats | undefined>
}

/** Names of faults, among those of this component; two, for a full disk can still be read. */
const WRITING = 'writing the memory file'
const READING = 'reading the memory file'
/** Name of the fault, in the status, that another process has the file. */
const FILE = 'memory file'
const STANDBY = 'stands by: another process serves the memory file'
/** Time for the answers to requests that were taken, once another process serves the file. */
const STANDING_DOWN_MS = 1000
const ANNOUNCEMENT_TIMEOUT_MS = 10_000

/** Serves store, forget and query on the bus, and announces every change on `jamey/memory/updates`. */
export function createMemory(options: MemoryOptions): MemoryService {
  return new BusMemory(options)
}

class BusMemory implements MemoryService {
  readonly #options: MemoryOptions
  readonly #clock: Clock
  readonly #failures: FailureReports
  readonly #recalls = new RecallCounts()
  #running: Running | undefined
  #opening: Opening | undefined
  #isWanted = false
  #toldTenths: number | undefined

  constructor(options: MemoryOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#failures = new FailureReports({
      bus: options.bus,
      clock: this.#clock,
      log: (err) => options.log?.error({ event: 'memory.failed', err }, 'memory failed'),
    })
  }

  async start(): Promise<void> {
    this.#isWanted = true
    if (this.#running !== undefined || this.#opening !== undefined) return
    const ending = new AbortController()
    const opening = { opened: this.#open(ending.signal), ending }
    this.#opening = opening
    try {
      const opened = await opening.opened
      // Stopped while the file was being opened.
      if (opened === undefined) return
      this.#running = this.#begin(opened)
    } finally {
      if (this.#opening === opening) this.#opening = undefined
    }
    await this.#takeRequests(this.#running)
  }

  #open(signal: AbortSignal): Promise<OwnedFile | undefined> {
    const { database, lifetimes, limits, ownerBytes, budgets, queryMs, bus } = this.#options
    const common = {
      lifetimes,
      limits,
      ownerBytes,
      budgets,
      queryMs,
      now: () => this.#clock.timeOfDay(),
      announcer: bus.clientId,
    }
    return database === undefined
      ? this.#openFile(common, signal)
      : this.#openDatabase({ ...database, ...common }, signal)
  }

  #openFile(common: Omit<MemoryStoreOptions, 'file'>, signal: AbortSignal): Promise<OwnedFile | undefined> {
    const { open = openThreadedMemory, bus, log } = this.#options
    const { file, maximumFileBytes, busyTimeoutMs, embeddings } = this.#options
    const onSalvaged = (salvaged: Salvaged) => this.#tellSalvaged(salvaged)
    const onProgress = (progress: MigrationProgress) => this.#tellProgress(progress)
    const listeners = { onProgress, onSalvaged }
    const settings = { ...common, ...listeners, maximumFileBytes, file, busyTimeoutMs, embeddings }
    const parts = {
      file,
      clock: this.#clock,
      log,
      open: (claim: Claim) => open({ ...settings, claim }),
      onStandby: (isStandby: boolean) => bus.setRemark(FILE, isStandby ? STANDBY : undefined),
    }
    return openOwned(parts, signal)
  }

  async #openDatabase(settings: PostgresMemoryOptions, signal: AbortSignal): Promise<OwnedFile | undefined> {
    const { bus, log, embeddings } = this.#options
    const onWithoutVectors = (why: string) =>
      log?.warn({ event: 'memory.vectors.absent', reason: why }, 'memories are found by their words alone')
    const parts = {
      clock: this.#clock,
      log,
      open: () => PostgresMemory.open({ ...settings, embeddings, onWithoutVectors }),
      onAway: (error: StorageError | undefined) => bus.setFault(WRITING, error && faultOf(error)),
    }
    const store = await openShared(parts, signal)
    return store === undefined ? undefined : { store, close: () => store.close() }
  }

  #tellSalvaged({ setAside, memories, unreadable, notes }: Salvaged): void {
    const { file } = this.#options
    const missed = Object.entries(notes).map(([name, places]) => `${name} (${places})`)
    const missing = missed.length === 0 ? '' : ` Not all could be read of: ${missed.join(', ')}.`
    const message = `The memory file ${file} was damaged: it lies in ${setAside} now, and a new one has the ${memories} memories that could be read of it; ${unreadable} places could not.${missing}`
    this.#report(new StorageError('storage-damaged', message))
  }

  /** Each tenth of the way, in the log and in the status. */
  #tellProgress({ version, done, total }: MigrationProgress): void {
    const tenths = Math.floor((done * 10) / total)
    if (tenths === this.#toldTenths) return
    this.#toldTenths = tenths
    const { bus, log, file } = this.#options
    log?.info(
      { event: 'memory.file.migrating', file, version, done, total },
      'the memory file is being brought to a new version',
    )
    bus.setRemark(FILE, tenths === 10 ? undefined : `brings its file to version ${version}: ${tenths * 10} %`)
  }

  #begin(opened: OwnedFile): Running {
    const { store } = opened
    const { bus, sweepIntervalSeconds = 60 } = this.#options
    const announcer = this.#announcerFor(store)
    const sweeper = new Sweeper(this.#clock, sweepIntervalSeconds * 1000, () => this.#sweep(store, announcer))
    const stopWatching = bus.onState(({ state }) => {
      if (state === 'connected') announcer.wake()
    })
    sweeper.start()
    return { ...opened, announcer, sweeper, stopWatching, served: [] }
  }

  async #takeRequests(running: Running): Promise<void> {
    const { store, announcer } = running
    const outcomes = await Promise.allSettled(this.#serve(store, announcer))
    running.served = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    // Stopped while it waited for the broker: what was granted since must not stay behind.
    if (this.#running !== running) await stopAll(running.served)
    if (refused !== undefined) {
      if (this.#running === running) await this.stop()
      throw refused.reason
    }
    if (this.#running !== running) return
    this.#options.log?.info(
      { event: 'memory.serving', ...this.#place, ...(await store.stats()) },
      'memory is serving',
    )
  }

  stop({ graceMs = 5000 }: { graceMs?: number } = {}): Promise<void> {
    this.#isWanted = false
    return this.#stop(graceMs)
  }

  async #stop(graceMs: number): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    opening?.ending.abort()
    await opening?.opened.catch(() => {})
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    running.stopWatching()
    const drained = (async () => {
      await stopAll(running.served)
      await running.sweeper.stop()
      await running.announcer.idle()
    })()
    await this.#withinGrace(drained, graceMs)
    try {
      await running.close()
    } catch (error) {
      // Everything is on the disk already; only moving the log into the file was left.
      this.#report(error)
    }
    this.#options.log?.info({ event: 'memory.stopped', ...this.#place }, 'memory has stopped')
  }

  async stats(): Promise<MemoryStoreStats | undefined> {
    return this.#running?.store.stats()
  }

  #serve(store: MemoryStorage, announcer: Announcer): Promise<ServedContract>[] {
    const { bus, groups } = this.#options
    return serveMemory({
      bus,
      store,
      groups,
      recalls: this.#recalls,
      read: (work) => this.#answer(READING, work),
      change: async (work) => {
        const answer = await this.#answer(WRITING, work)
        announcer.wake()
        return answer
      },
    })
  }

  async #answer<T>(part: string, work: () => Promise<T>): Promise<T> {
    try {
      const answer = await work()
      this.#options.bus.setFault(part, undefined)
      return answer
    } catch (error) {
      if (!isOfRequest(error)) this.#report(error)
      // Too many questions are no fault of the file; what is one is told until the same works again.
      if (error instanceof StorageError && error.code !== 'storage-overloaded') {
        this.#options.bus.setFault(part, faultOf(error))
        if (error.code === 'storage-superseded') this.#standDown(part)
      }
      throw requestErrorFrom(error)
    }
  }

  /** Another process has taken the file: what is left to do is to wait for it again. */
  #standDown(part: string): void {
    if (this.#running === undefined) return
    void this.#stop(STANDING_DOWN_MS)
      .then(() => {
        this.#options.bus.setFault(part, undefined)
        return this.#isWanted ? this.start() : undefined
      })
      .catch((error: unknown) => this.#report(error))
  }

  /** Where the memories are, for the log. */
  get #place() {
    const { file, database } = this.#options
    return database === undefined ? { file } : { database: shownAddress(database.address) }
  }

  #announcerFor(store: MemoryStorage): Announcer {
    const { bus } = this.#options
    return new Announcer({
      source: {
        // While there is no connection every announcement stays in the file; connecting wakes the announcer.
        pendingAnnouncements: (limit, afterSeq) =>
          bus.state === 'connected' ? store.pendingAnnouncements(limit, afterSeq) : [],
        announced: (seqs) => store.announced(seqs),
      },
      publish: async ({ update, messageId }) => {
        await bus.publish(topics.memory.updates, update, { messageId, timeoutMs: ANNOUNCEMENT_TIMEOUT_MS })
      },
      onError: (error) => this.#report(error),
    })
  }

  async #sweep(store: MemoryStorage, announcer: Announcer): Promise<void> {
    try {
      await noteRecalls(store, this.#recalls)
      const expired = await store.sweep()
      if (expired > 0) this.#options.log?.info({ event: 'memory.expired', expired }, 'memories have expired')
    } catch (error) {
      this.#report(error)
    }
    announcer.wake()
  }

  #report(error: unknown): void {
    this.#failures.report(error instanceof Error && 'code' in error ? String(error.code) : 'internal', error)
  }

  async #withinGrace(work: Promise<unknown>, graceMs: number): Promise<void> {
    let timer: unknown
    const isOver = new Promise<void>((resolve) => {
      timer = this.#clock.setTimeout(resolve, graceMs)
    })
    await Promise.race([work, isOver])
    this.#clock.clearTimeout(timer)
  }
}

interface Opening {
  readonly opened: Promise<OwnedFile | undefined>
  readonly ending: AbortController
}

interface Running extends OwnedFile {
  readonly announcer: Announcer
  readonly sweeper: Sweeper
  readonly stopWatching: () => void
  served: readonly ServedContract[]
}

async function stopAll(served: readonly ServedContract[]): Promise<void> {
  await Promise.allSettled(served.map((one) => one.stop()))
}

/** Whether the requester alone has to do something about it. */
function isOfRequest(error: unknown): boolean {
  return (
    error instanceof MemoryInputError ||
    error instanceof MemoryConflictError ||
    error instanceof MemoryRefusedError
  )
}

/** The error for a requester: never the path of the file, which is the operator's affair. */
function requestErrorFrom(error: unknown): unknown {
  if (error instanceof MemoryInputError) return new RequestError('invalid-request', error.message)
  if (error instanceof MemoryConflictError || error instanceof MemoryRefusedError) {
    const { code, message, details } = error
    return new RequestError(code, message, details === undefined ? {} : { details })
  }
  if (!(error instanceof StorageError)) return error
  return new RequestError(error.code, adviceOf(error), { retryable: error.retryable, cause: error })
}

function faultOf(error: StorageError) {
  return { kind: error.code, message: adviceOf(error) }
}

function adviceOf({ code, retryable }: StorageError): string {
  const advice = retryable ? 'try again later' : 'its operator has to look at where it is kept'
  return `The memory cannot do this now (${code}); ${advice}.`
}
