import { signatureOf } from './watched-file.js'

const INTERVAL_MS = 400

/**
 * Tells when one of several files that belong together is another one than before, once two looks find them the same:
 * a certificate and its key are replaced one after the other. The first time it tells after its first two looks, since
 * nobody knows what changed before.
 */
export class WatchedFiles {
  readonly #paths: readonly string[]
  readonly #onChange: () => void
  readonly #timer: NodeJS.Timeout
  #told: string | undefined
  #seen: string | undefined
  #isLooking = false

  constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths
    this.#onChange = onChange
    this.#timer = setInterval(() => void this.#look(), INTERVAL_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const found = (await Promise.all(this.#paths.map(signatureOf))).join('\n')
    this.#isLooking = false
    const isStill = found === this.#seen
    this.#seen = found
    if (!isStill || found === this.#told) return
    this.#told = found
    this.#onChange()
  }
}
