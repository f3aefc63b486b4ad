import { WatchedFiles } from '@jamey/auth'
import type { Manifest } from '../model/manifest.js'
import { readManifestFile } from './manifest-file.js'
import { readManifestFileAside } from './manifest-thread.js'

export interface LiveManifestOptions {
  /** It has changed and cannot be used, so that what it said before still holds. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** A manifest that is read again within two seconds after its file changed. */
export class LiveManifest {
  readonly #path: string
  readonly #onError: LiveManifestOptions['onError']
  readonly #watched: WatchedFiles
  #current: Manifest
  /** One reading after the other, so that the last change wins. */
  #reading: Promise<void> = Promise.resolve()

  /** Throws `ManifestError` where it cannot be used at first. */
  constructor(path: string, { onError }: LiveManifestOptions = {}) {
    this.#path = path
    this.#onError = onError
    this.#current = readManifestFile(path)
    this.#watched = new WatchedFiles([path], () => {
      this.#reading = this.#reading.then(() => this.#read())
    })
  }

  get current(): Manifest {
    return this.#current
  }

  stop(): void {
    this.#watched.stop()
  }

  async #read(): Promise<void> {
    try {
      this.#current = await readManifestFileAside(this.#path)
    } catch (error) {
      this.#onError?.(error as Error)
    }
  }
}
