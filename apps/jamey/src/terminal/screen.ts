import type { Terminal } from './terminal.js'

/** Begins and ends the second screen of a terminal, without its cursor, and goes to its beginning. [xterm, 1049 and 25] */
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'

/** Ctrl-C, which a terminal that gives keys one by one sends as one of them. */
export const INTERRUPT = '\x03'

type KeyStream = Terminal['stdin'] & { setRawMode?(isRaw: boolean): unknown }

/** A screen of a terminal that is drawn over and over; what was on it before is there again at its end. */
export class Screen {
  readonly #terminal: Terminal
  readonly #stdin: KeyStream
  readonly #onKey: (text: Buffer | string) => void
  #isOpen = true

  /** `onKey` is called with each key, as the text that the terminal sends for it. */
  constructor(terminal: Terminal, onKey: (key: string) => void) {
    this.#terminal = terminal
    this.#stdin = terminal.stdin
    this.#onKey = (text) => {
      for (const key of String(text)) onKey(key)
    }
    terminal.write(ENTER)
    if (this.#stdin.isTTY !== true) return
    this.#stdin.setRawMode?.(true)
    this.#stdin.on('data', this.#onKey)
    this.#stdin.resume()
  }

  /** Lines beyond the screen, and what is wider than it, must be left out by the caller. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    this.#terminal.write(
      `${HOME}${lines.map((line) => `${line}${REST_OF_LINE}`).join('\n')}${REST_OF_SCREEN}`,
    )
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#stdin.off('data', this.#onKey)
    if (this.#stdin.isTTY === true) {
      this.#stdin.setRawMode?.(false)
      this.#stdin.pause()
    }
    this.#terminal.write(LEAVE)
  }
}
