import { until } from '@jamey/testing'
import { MemoryBrokerStore } from '../index.js'

/** Commits when a test says so, or fails. */
export class GatedStore extends MemoryBrokerStore {
  readonly waiting: (() => void)[] = []
  isGated = false
  failure: Error | undefined

  /** Lets the next commit through that there is. */
  async commitOnce(): Promise<void> {
    await until(() => this.waiting.length > 0)
    this.waiting.shift()?.()
  }

  open(): void {
    this.isGated = false
    for (const letThrough of this.waiting.splice(0)) letThrough()
  }

  override async commit(): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    // What is staged while the gate is shut belongs to the next commit, as on a disk.
    if (this.isGated) await new Promise<void>((resolve) => this.waiting.push(resolve))
    await super.commit()
  }
}
