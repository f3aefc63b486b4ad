import { writeSync } from 'node:fs'

/** Writes a line to standard output at once: what it says was done before the process could be killed. */
export function report(line: string | number): void {
  let rest = Buffer.from(`${line}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      // The reader is behind and the pipe full: nothing was written.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
