import { stat } from 'node:fs/promises'

/** Time between two looks. The system's own notices (inotify) do not come on every file system, and have a limit. */
const INTERVAL_MS = 400

/** Looks again and again, one look at a time, as long as the process has anything else to do. Returns what ends it. */
export function lookRepeatedly(look: () => Promise<void>): () => void {
  let isLooking = false
  const timer = setInterval(async () => {
    if (isLooking) return
    isLooking = true
    await look()
    isLooking = false
  }, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Tells when a file, whether it is there or not, is another one than before; it may be replaced or written to. */
export class WatchedFile {
  readonly #path: string
  readonly #onChange: () => void
  readonly stop: () => void
  #seen: string | undefined

  /** `onChange` is called the first time where the file changes after `seen`, which `signatureOf` gave. */
  constructor(path: string, seen: string, onChange: () => void) {
    this.#path = path
    this.#seen = seen
    this.#onChange = onChange
    this.stop = lookRepeatedly(() => this.#look())
  }

  async #look(): Promise<void> {
    const found = await signatureOf(this.#path)
    if (found === this.#seen) return
    this.#seen = found
    this.#onChange()
  }
}

/** A text that tells one state of a file from the next. Take it before the file is read, and no change is missed. */
export async function signatureOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
