import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own with little room. */
export interface SmallDisk {
  readonly path: string
  remove(): void
}

/** Mounts a file system in memory that has so many bytes; undefined where this process may not mount any. */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path], {
      stdio: 'ignore',
    })
  } catch {
    rmdirSync(path)
    return undefined
  }
  const remove = (): void => {
    execFileSync('umount', ['--lazy', path], { stdio: 'ignore' })
    rmdirSync(path)
  }
  return { path, remove }
}
