import { fstatSync, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { isatty } from 'node:tty'

export interface LineOutletOptions {
  /** Bytes that a reader which stands still leaves in memory; what comes then is dropped. Infinity by default. */
  readonly mostWaitingBytes?: number
  /** The line that stands in the place of those that were dropped, where one can be written again. */
  readonly notice?: (dropped: number, code: string) => string
  /** The first that could not be written, after one that could. */
  readonly onLoss?: (code: string) => void
  /** Told when a line could be written again, after so many that could not. */
  readonly onRecovery?: (dropped: number, code: string) => void
}

/**
 * Standard output or error of a process that goes on without it: lines whose reader has gone, or whose disk is full,
 * are dropped and counted, and the next one that can be written is.
 */
export class LineOutlet {
  /** The `notice` of its options; another one where the lines have another form. */
  notice: LineOutletOptions['notice']
  readonly #stream: Writable
  /** Descriptor of a file or device, which is written to directly: Node's streams are over after their first error. */
  readonly #fd: number | undefined
  readonly #options: LineOutletOptions
  #dropped = 0
  #droppedBefore = 0
  #code = ''
  #isGone = false
  /** A line was cut by the end of the disk. */
  #isTorn = false
  readonly #onWritten = (error?: NodeJS.ErrnoException | null): void => {
    if (error) this.#drop(error)
  }

  constructor(stream: Writable & { readonly fd?: number }, options: LineOutletOptions = {}) {
    this.#stream = stream
    this.#options = options
    this.#fd = isFile(stream.fd) ? stream.fd : undefined
    this.notice = options.notice
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#isGone = true
      this.#code = codeOf(error)
    })
  }

  /** Number of lines that could not be written, or not wholly, since the beginning. */
  get dropped(): number {
    return this.#droppedBefore + this.#dropped
  }

  get code(): string {
    return this.#code
  }

  /** `text` is one line or more, or a part of one. */
  write(text: string | Uint8Array): void {
    const { mostWaitingBytes = Number.POSITIVE_INFINITY } = this.#options
    if (this.#isGone) return this.#drop({ code: this.#code })
    if (this.#stream.writableLength > mostWaitingBytes) return this.#drop({ code: 'reader-too-slow' })
    if (this.#fd === undefined) {
      const notice = this.#takeNotice()
      if (notice !== '') this.#stream.write(notice)
      this.#stream.write(text, this.#onWritten)
    } else this.#writeFile(this.#fd, text)
  }

  /** Resolves when there is room for more without memory for it. */
  async drained(): Promise<void> {
    const stream = this.#stream
    if (this.#isGone || !stream.writableNeedDrain) return
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        for (const event of ['drain', 'error', 'close']) stream.off(event, settle)
        resolve()
      }
      for (const event of ['drain', 'error', 'close']) stream.on(event, settle)
    })
  }

  #writeFile(fd: number, text: string | Uint8Array): void {
    const { notice } = this
    const lead = `${this.#isTorn ? '\n' : ''}${this.#dropped > 0 && notice ? `${notice(this.#dropped, this.#code)}\n` : ''}`
    let rest = Buffer.concat([Buffer.from(lead), Buffer.from(text)])
    const { length } = rest
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
      this.#isTorn = false
      this.#takeNotice()
    } catch (error) {
      if (rest.length < length) this.#isTorn = true
      this.#drop(error as NodeJS.ErrnoException)
    }
  }

  /** The notice about lines that were dropped, given once. */
  #takeNotice(): string {
    if (this.#dropped === 0) return ''
    const dropped = this.#dropped
    this.#droppedBefore += dropped
    this.#dropped = 0
    this.#options.onRecovery?.(dropped, this.#code)
    return this.notice === undefined ? '' : `${this.notice(dropped, this.#code)}\n`
  }

  #drop(error: { readonly code?: string | undefined }): void {
    this.#code = codeOf(error)
    this.#dropped++
    if (this.#dropped === 1) this.#options.onLoss?.(this.#code)
  }
}

function codeOf({ code }: { readonly code?: string | undefined }): string {
  return code ?? 'unknown'
}

/** Pipes and sockets are none: they can stand still. Neither are terminals, which Node sets up. */
function isFile(fd: number | undefined): boolean {
  if (fd === undefined || isatty(fd)) return false
  try {
    const stat = fstatSync(fd)
    return stat.isFile() || stat.isCharacterDevice()
  } catch {
    return false
  }
}
