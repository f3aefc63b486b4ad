import { statSync } from 'node:fs'
import { MemorySnapshot } from '@jamey/memory'
import { StoreSnapshot } from '@jamey/store'
import type { Source } from './sources.js'

/** The kind of what the memory keeps, beside the kinds that stores tell of themselves. */
export const MEMORY_KIND = 'jamey memory file'

export interface CopyOptions {
  readonly signal: AbortSignal
  readonly onBytes: (bytes: number) => void
}

/** A source that others write to while it is copied. */
export interface Held {
  readonly source: Source
  readonly kind: string
  readonly format: number
  copyTo(target: string, options: CopyOptions): Promise<unknown>
}

/**
 * The stores, memories and growing files of an installation, as they were at one moment: what the system had on the disk
 * then, as if the power had gone. Whatever was acknowledged before is in one of them, since a message leaves one only
 * when the next has committed it.
 */
export class Moment {
  readonly held: readonly Held[]
  /** Bytes of the files that only grow, by path. */
  readonly lineBytes = new Map<string, number>()
  readonly #sources: readonly Source[]
  readonly #stores: StoreSnapshot[] = []
  readonly #memories: MemorySnapshot[] = []

  private constructor(sources: readonly Source[]) {
    this.#sources = sources
    this.held = []
  }

  /** Rejects with the errors of the packages, which name what cannot be opened. */
  static async open(sources: readonly Source[]): Promise<Moment> {
    const moment = new Moment(sources)
    try {
      for (const source of sources) await moment.#open(source)
      return moment
    } catch (error) {
      await moment.close()
      throw error
    }
  }

  /**
   * Milliseconds for which nobody could write. The memory comes first: its transactions are the longest, and nobody
   * waits for a store while they are waited for. Files that grow come last, so that no verdict of which a store knows is
   * missing in the audit.
   */
  take(): number {
    let beganAtMs = performance.now()
    try {
      for (const memory of this.#memories) memory.hold()
      beganAtMs = performance.now()
      StoreSnapshot.take(this.#stores, () => {
        for (const memory of this.#memories) memory.take()
        for (const { kind, from, path } of this.#sources) {
          if (kind === 'lines') this.lineBytes.set(path, statSync(from).size)
        }
      })
    } finally {
      for (const memory of this.#memories) memory.release()
    }
    return performance.now() - beganAtMs
  }

  async close(): Promise<void> {
    for (const memory of this.#memories) memory.close()
    for (const store of this.#stores) await store.close()
  }

  async #open(source: Source): Promise<void> {
    const held = this.held as Held[]
    if (source.kind === 'store') {
      const store = await StoreSnapshot.open(source.from)
      this.#stores.push(store)
      const { kind, version: format } = store
      held.push({ source, kind, format, copyTo: (target, options) => store.copyTo(target, options) })
    } else if (source.kind === 'memory') {
      const memory = new MemorySnapshot(source.from)
      this.#memories.push(memory)
      const { version: format } = memory
      held.push({
        source,
        kind: MEMORY_KIND,
        format,
        copyTo: (target, options) => memory.copyTo(target, options),
      })
    }
  }
}
