import type { Announcement } from '../model/announcement.js'

interface AnnouncerSource {
  pendingAnnouncements(limit: number, afterSeq?: number): Announcement[] | Promise<Announcement[]>
  announced(seqs: readonly number[]): Promise<void>
}

export interface AnnouncerOptions {
  readonly source: AnnouncerSource
  /** Resolves once the server owns the message. */
  readonly publish: (announcement: Announcement) => Promise<void>
  readonly onError: (error: unknown) => void
}

const BATCH = 100

/**
 * Publishes the announcements that the file has, oldest first, and removes what the server owns. What fails stays for the
 * next `wake`, which comes with every change, every sweep and every reconnect.
 */
export class Announcer {
  readonly #options: AnnouncerOptions
  #running: Promise<void> | undefined
  #isWokenAgain = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** Looks for something to publish; cheap to call often. */
  wake(): void {
    if (this.#running !== undefined) {
      this.#isWokenAgain = true
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (!this.#isWokenAgain) return
      this.#isWokenAgain = false
      this.wake()
    })
  }

  /** Resolves when everything that could be published has been. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    const { source, onError } = this.#options
    try {
      for (let afterSeq = 0; ; ) {
        const batch = await source.pendingAnnouncements(BATCH, afterSeq)
        const last = batch.at(-1)
        if (last === undefined) return
        afterSeq = last.seq
        // What came meanwhile has woken it again.
        if (!(await this.#publish(batch)) || batch.length < BATCH) return
      }
    } catch (error) {
      onError(error)
    }
  }

  /** False where nothing of the batch went out, which means that going on makes no sense now. */
  async #publish(batch: readonly Announcement[]): Promise<boolean> {
    const { source, publish, onError } = this.#options
    const results = await Promise.allSettled(batch.map((announcement) => publish(announcement)))
    const seqs = batch.filter((_, i) => results[i]?.status === 'fulfilled').map(({ seq }) => seq)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) onError(failed.reason)
    await source.announced(seqs)
    return seqs.length > 0
  }
}
