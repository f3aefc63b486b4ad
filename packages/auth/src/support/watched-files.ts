import { lookRepeatedly, signatureOf } from './watched-file.js'

/**
 * Tells when one of several files that belong together is another one than before, once two looks find them the same:
 * a certificate and its key are replaced one after the other. The first time it tells after its first two looks, since
 * nobody knows what changed before.
 */
export class WatchedFiles {
  readonly #paths: readonly string[]
  readonly #onChange: () => void
  readonly stop: () => void
  #told: string | undefined
  #seen: string | undefined

  constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths
    this.#onChange = onChange
    this.stop = lookRepeatedly(() => this.#look())
  }

  async #look(): Promise<void> {
    const found = (await Promise.all(this.#paths.map(signatureOf))).join('\n')
    const isStill = found === this.#seen
    this.#seen = found
    if (!isStill || found === this.#told) return
    this.#told = found
    this.#onChange()
  }
}
