import { posix } from 'node:path'
import type { Argument } from './words.js'

/** A folder that a command may run in. */
export interface Directory {
  /** Absolute, with `~` for the home folder, or from where the script begins; as far as it is known. */
  readonly path: string
  /**
   * `above`: the folder itself or one above it, whichever is the top of the repository. `stray`: only where an earlier `cd`
   * has failed, after which nothing but `..` was entered.
   */
  readonly certainty: 'known' | 'above' | 'stray' | 'unknown'
}

export const MAXIMUM_DIRECTORIES = 8
/** What its folder is beyond the bound. */
const ANYWHERE: Directory = { path: '.', certainty: 'unknown' }
const TOP_OF_REPOSITORY = /^\$\(git rev-parse --show-toplevel(?: 2> ?\/dev\/null)?\)$/

/** A pattern with a dot before it selects `..`, too. */
const MAY_BE_PARENT = /(?:^|\/)\.[*?[]/

/** A folder is named, and left again: behind a link that leads elsewhere than its text says. */
export const LEFT_AGAIN = /(?:^|\/)(?!\.{1,2}\/)[^/]+\/\.\.(?:\/|$)/
const UPWARDS = /^\.\.(?:\/\.\.)*\/?$/

/** All of both, or that it may be anywhere where these are too many. */
export function joinDirectories(
  some: readonly Directory[],
  others: readonly Directory[],
): readonly Directory[] {
  if (some === others) return some
  const added = others.filter((one) => !some.some((other) => isSame(one, other) || isStray(one, other)))
  if (added.length === 0) return some
  const all = [...some.filter((one) => !added.some((other) => isStray(one, other))), ...added]
  return all.length <= MAXIMUM_DIRECTORIES ? all : [...all.slice(0, MAXIMUM_DIRECTORIES - 1), ANYWHERE]
}

export function areSame(some: readonly Directory[], others: readonly Directory[]): boolean {
  if (some === others) return true
  return some.length === others.length && some.every((one, i) => isSame(one, others[i] as Directory))
}

function isSame(one: Directory, other: Directory): boolean {
  return one.path === other.path && one.certainty === other.certainty
}

/** Whether the other one is where a shell may be as well without an accident. */
function isStray(one: Directory, other: Directory): boolean {
  return one.certainty === 'stray' && other.certainty === 'known' && one.path === other.path
}

/** Where a shell still is that could not get elsewhere. */
export function strayed(directories: readonly Directory[]): readonly Directory[] {
  return directories.map((one) => (one.certainty === 'known' ? { ...one, certainty: 'stray' } : one))
}

/** Where a folder that is named there lies, from each of those that it may be named in. */
export function directoriesFrom(
  from: readonly Directory[],
  { text, isDynamic }: Argument,
): readonly Directory[] {
  if (isDynamic && TOP_OF_REPOSITORY.test(text)) return from.map(topOf)
  if (/^[/~]/.test(text)) return [{ path: text, certainty: isDynamic ? 'unknown' : 'known' }]
  let all: readonly Directory[] = []
  const isUnknown = isDynamic || MAY_BE_PARENT.test(text)
  for (const { path, certainty } of from)
    all = joinDirectories(all, [
      { path: joined(path, text), certainty: isUnknown ? 'unknown' : certaintyFrom(certainty, text) },
    ])
  return all
}

function certaintyFrom(certainty: Directory['certainty'], text: string): Directory['certainty'] {
  if (certainty === 'stray') return UPWARDS.test(text) ? 'stray' : 'known'
  return certainty === 'known' ? 'known' : 'unknown'
}

function topOf({ path, certainty }: Directory): Directory {
  return { path, certainty: certainty === 'unknown' ? certainty : 'above' }
}

/** As the text of both says; above a home folder that is not known, `..` stays as it is. */
function joined(folder: string, text: string): string {
  const path = posix.join(folder, text)
  return folder.startsWith('~') && !path.startsWith('~') ? `${folder}/${text}` : path
}

export function anywhere(): readonly Directory[] {
  return [ANYWHERE]
}
