import { SingleBar } from 'cli-progress'
import type { Terminal } from './terminal.js'

export interface Progress {
  step(): void
  stop(): void
}

const SILENT: Progress = { step: () => {}, stop: () => {} }

/** A bar on standard error where a person looks at it, and nothing anywhere else. */
export function progressOn(terminal: Terminal, total: number, isForScripts: boolean): Progress {
  if (!terminal.isInteractive || isForScripts) return SILENT
  const bar = barOn(terminal, '{value} of {total} paragraphs')
  bar.start(total, 0)
  return { step: () => bar.increment(), stop: () => bar.stop() }
}

export interface ByteProgress {
  /** Begins a bar of so many bytes, in place of the one before, and gives who is told of each piece. */
  readonly start: (bytes: number) => (bytes: number) => void
  readonly stop: () => void
}

const MEGABYTE = 1_000_000

/** The same in megabytes, where the whole is known only later. */
export function byteProgressOn(terminal: Terminal, isForScripts: boolean): ByteProgress {
  if (!terminal.isInteractive || isForScripts) return { start: () => () => {}, stop: () => {} }
  const bar = barOn(terminal, '{value} of {total} MB')
  return {
    start: (bytes) => {
      let done = 0
      bar.stop()
      bar.start(Math.ceil(bytes / MEGABYTE), 0)
      return (more) => {
        done += more
        bar.update(Math.floor(done / MEGABYTE))
      }
    },
    stop: () => bar.stop(),
  }
}

function barOn(terminal: Terminal, amount: string): SingleBar {
  return new SingleBar({
    stream: terminal.errorStream as NodeJS.WritableStream,
    format: `  {bar} {percentage}%  ${amount}`,
    barCompleteChar: '#',
    barIncompleteChar: '.',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
  })
}
