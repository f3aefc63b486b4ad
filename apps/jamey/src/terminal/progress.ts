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
  const bar = new SingleBar({
    stream: terminal.errorStream as NodeJS.WritableStream,
    format: '  {bar} {percentage}%  {value} of {total} paragraphs',
    barCompleteChar: '#',
    barIncompleteChar: '.',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(total, 0)
  return { step: () => bar.increment(), stop: () => bar.stop() }
}
