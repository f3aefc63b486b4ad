import { Writable } from 'node:stream'
import type { Terminal } from '../../terminal/terminal.js'

/** Standard output as a stream that makes its writer wait while its reader does not read. */
export function outputOf({ output, write }: Terminal): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      write(chunk)
      output.drained().then(() => done(), done)
    },
  })
}
