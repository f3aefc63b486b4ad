import { readFileSync } from 'node:fs'

/** Clock ticks in a second as /proc counts them; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Seconds of CPU time that a process has used, all its threads together; undefined where /proc does not tell. */
export function processorSeconds(pid: number): number | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command's name, in parentheses, may hold spaces; user and system time are the 12th and 13th after it.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return undefined
  }
}

/** Bytes of a process's memory that belong to no file: without the mapped data file of a store. */
export function anonymousBytes(pid: number | 'self' = 'self'): number | undefined {
  try {
    const found = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return found === null ? undefined : Number(found[1]) * 1024
  } catch {
    return undefined
  }
}
