import { randomFillSync } from 'node:crypto'
import { closeSync, fsyncSync, lstatSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** More than the log of a batch takes, and what of the log before it does not fit into the file. */
const RESERVE_BYTES = 8 * 1024 * 1024
/** Times its own size that have to be free before room is taken for it. */
const PLENTY = 4

/**
 * Room on the disk that is given up where something is to be forgotten and there is no other: to remove a row, too, is
 * written into the log first.
 */
export class DiskReserve {
  readonly #path: string
  readonly #bytes: number

  /** Beside `file`, in a folder that is nobody else's. */
  constructor(file: string, bytes: number = RESERVE_BYTES) {
    this.#path = `${file}.reserve`
    this.#bytes = bytes
  }

  /** Takes the room where it is not taken and there is plenty; what goes wrong leaves none behind. */
  keep(): void {
    try {
      if (this.#sizeNow() === this.#bytes || this.#freeBytes() < PLENTY * this.#bytes) return
      rmSync(this.#path, { force: true })
      this.#write()
    } catch {
      rmSync(this.#path, { force: true })
    }
  }

  /** Gives the room up where there is less on the disk; true where there was any to give. */
  release(): boolean {
    const bytes = this.#sizeNow()
    if (bytes === undefined || this.#freeBytes() >= this.#bytes) return false
    rmSync(this.#path)
    return true
  }

  /** Of bytes that no file system makes smaller. */
  #write(): void {
    const chunk = randomFillSync(Buffer.alloc(256 * 1024))
    const file = openSync(this.#path, 'wx', 0o600)
    try {
      for (let written = 0; written < this.#bytes; ) {
        written += writeSync(file, chunk, 0, Math.min(chunk.length, this.#bytes - written))
      }
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }

  #sizeNow(): number | undefined {
    const found = lstatSync(this.#path, { throwIfNoEntry: false })
    return found?.isFile() ? found.size : undefined
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#path))
    return bavail * bsize
  }
}
