import { WatchedFiles } from '@jamey/auth'
import type { Manifest } from '../model/manifest.js'
import { readManifestFile } from './manifest-file.js'

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

  /** Throws `ManifestError` where it cannot be used at first. */
  constructor(path: string, { onError }: LiveManifestOptions = {}) {
    this.#path = path
    this.#onError = onError
    this.#current = readManifestFile(path)
    this.#watched = new WatchedFiles([path], () => this.#read())
  }

  get current(): Manifest {
    return this.#current
  }

  stop(): void {
    this.#watched.stop()
  }

  #read(): void {
    try {
      this.#current = readManifestFile(this.#path)
    } catch (error) {
      this.#onError?.(error as Error)
    }
  }
}
