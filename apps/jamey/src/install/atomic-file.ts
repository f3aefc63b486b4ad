import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CommandFailure } from '../support/failure.js'

/** Replaces a file in one step: a crash leaves the old one or the new one, never half of one. */
export function replaceFile(path: string, text: string, mode: number): void {
  renameSync(writeDraft(path, text, mode), path)
}

/**
 * Creates a file in one step, complete from its first moment. Returns false, and changes nothing, where one
 * exists already: of two processes that try at once only one gets true.
 */
export function createFile(path: string, text: string, mode: number): boolean {
  const draft = writeDraft(path, text, mode)
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // Some file systems have no hard links; the file is then complete only a moment after it appears.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return createPlainly(path, text, mode)
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function createPlainly(path: string, text: string, mode: number): boolean {
  try {
    writeFileSync(path, text, { mode, flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function writeDraft(path: string, text: string, mode: number): string {
  const draft = `${path}.${process.pid}.new`
  rmSync(draft, { force: true })
  try {
    writeFileSync(draft, text, { mode, flag: 'wx' })
    return draft
  } catch (error) {
    rmSync(draft, { force: true })
    throw unwritable(path, error as NodeJS.ErrnoException)
  }
}

function unwritable(path: string, error: NodeJS.ErrnoException): CommandFailure {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  return new CommandFailure(`cannot write ${path}: ${isFull ? 'the disk is full' : error.message}`, {
    code: 'file-unwritable',
    hint: isFull
      ? 'make room on the disk; `jamey doctor` tells how much there is'
      : 'let the user who runs this write there, or choose another folder',
    cause: error,
  })
}
