import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { MemoryStore, type MemoryStoreOptions } from './memory-store.js'

/** The path of a memory file that does not exist yet, in a folder that the end of the test removes. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-memory-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'memory.db')
}

/** A clock that stands still until it is moved. */
export class StillClock {
  nowMs = Date.parse('2026-05-01T12:00:00.000Z')
  readonly #timers = new Map<number, { atMs: number; callback: () => void }>()
  #lastTimer = 0

  readonly now = (): number => this.nowMs

  readonly monotonicNow = (): number => this.nowMs

  setTimeout(callback: () => void, delayMs: number): number {
    this.#lastTimer += 1
    this.#timers.set(this.#lastTimer, { atMs: this.nowMs + delayMs, callback })
    return this.#lastTimer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Moves on and runs the timers that have become due. */
  advance(seconds: number): void {
    this.nowMs += seconds * 1000
    for (const [id, timer] of [...this.#timers]) {
      if (timer.atMs > this.nowMs) continue
      this.#timers.delete(id)
      timer.callback()
    }
  }
}

/** A store in a temporary file with a clock that stands still; closed at the end of the test. */
export function temporaryStore(options: Partial<MemoryStoreOptions> = {}): {
  store: MemoryStore
  clock: StillClock
  file: string
} {
  const clock = new StillClock()
  const file = options.file ?? temporaryFile()
  const store = MemoryStore.open({ file, now: clock.now, ...options })
  onTestFinished(() => store.close())
  return { store, clock, file }
}
