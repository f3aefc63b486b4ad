import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { posix } from 'node:path'

/** Where symbolic links lead, and what stands in a file, as it is now on the machine that has the workspace. */
export interface Links {
  /** An absolute path without links; undefined where it is the one that was asked for, or where nothing is known. */
  realPath(path: string, isEntry?: boolean): string | undefined
  /**
   * The text of an ordinary file of the workspace that this absolute path leads to; undefined for one that lies elsewhere,
   * is too long, or cannot be read here.
   */
  textOf(path: string): string | undefined
  /** Whether more was asked than is looked up, or something that nobody may look at here. */
  readonly isExhausted: boolean
}

/** Files of the disk that are looked at for one call; each takes some microseconds. */
const MAXIMUM_LOOKS = 5_000
/** A patch of this size has tens of thousands of lines. */
const MAXIMUM_BYTES = 1_000_000
/** As many as Linux follows. */
const MAXIMUM_LINKS = 40

/** Of whoever looks: no call can use such a path either. */
const NOTHING_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])

/** The folder of a workspace lies where it lies: nobody whose calls are judged can change that without being asked. */
const ROOT_KEPT_MS = 1_000

/**
 * Links as one call finds them: what was looked at once is not looked at again for it. Follows nothing where there is no
 * such workspace on this machine.
 */
export function linksFrom(workspace: string): Links {
  return new DiskLinks(posix.resolve(workspace))
}

class DiskLinks implements Links {
  readonly #workspace: string
  #root: string | null | undefined
  /** Of a path whose folders are no links: where it leads, null where it is not there, undefined where it is no link. */
  #seen: Map<string, string | null | undefined> | undefined
  #looks = 0
  #followed = 0
  isExhausted = false

  constructor(workspace: string) {
    this.#workspace = workspace
  }

  /** `isEntry`: the name itself is meant, as for who deletes it, and not what it leads to. */
  realPath(path: string, isEntry = false): string | undefined {
    if (!path.startsWith('/')) return undefined
    const root = this.#realRoot()
    if (root === null) return undefined
    this.#followed = 0
    const isWorkspace = path === this.#workspace && !isEntry
    const isBelow = isWorkspace || path.startsWith(`${this.#workspace}/`)
    const from = isBelow ? root : '/'
    const rest = isBelow ? path.slice(this.#workspace.length) : path
    const real = isEntry
      ? posix.join(this.#real(from, posix.dirname(rest)), posix.basename(rest))
      : this.#real(from, rest)
    const shown =
      real === root || real.startsWith(`${root}/`) ? this.#workspace + real.slice(root.length) : real
    // What macOS calls by two names.
    return shown === path || shown === `/private${path}` ? undefined : shown
  }

  textOf(path: string): string | undefined {
    const shown = this.realPath(path) ?? path
    const root = this.#realRoot()
    if (root === null || this.isExhausted || !shown.startsWith(`${this.#workspace}/`)) return undefined
    try {
      return textIn(root + shown.slice(this.#workspace.length))
    } catch {
      return undefined
    }
  }

  /** Null where the workspace is not on this machine. */
  #realRoot(): string | null {
    if (this.#root !== undefined) return this.#root
    const now = performance.now()
    if (kept?.workspace !== this.#workspace || now > kept.untilMs) {
      const isHere = this.#workspace !== '/' && isThere(this.#workspace)
      const root = isHere ? this.#real('/', this.#workspace) : null
      kept = { workspace: this.#workspace, root, untilMs: now + ROOT_KEPT_MS }
    }
    this.#root = kept.root
    return this.#root
  }

  /** `from`: where the path begins, which has no links. */
  #real(from: string, path: string): string {
    let real = from
    let isMissing = false
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue
      if (part === '..') {
        real = posix.dirname(real)
        // Whoever normalises paths, or makes the folder first, comes back to one that is there.
        isMissing = false
        continue
      }
      real = real === '/' ? `/${part}` : `${real}/${part}`
      const led: string | null | undefined = isMissing ? null : this.#ledFrom(real)
      if (typeof led === 'string') real = led
      isMissing = led === null
    }
    return real
  }

  #ledFrom(path: string): string | null | undefined {
    this.#seen ??= new Map()
    if (this.#seen.has(path)) return this.#seen.get(path)
    if (++this.#looks > MAXIMUM_LOOKS || this.#followed > MAXIMUM_LINKS) {
      this.isExhausted = true
      return undefined
    }
    const target = this.#linkAt(path)
    if (typeof target === 'string') this.#followed++
    const led =
      typeof target === 'string'
        ? this.#real(posix.isAbsolute(target) ? '/' : posix.dirname(path), target)
        : target
    this.#seen.set(path, led)
    return led
  }

  /** Null where nothing is there. */
  #linkAt(path: string): string | null | undefined {
    try {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined) return null
      return found.isSymbolicLink() ? readlinkSync(path) : undefined
    } catch (error) {
      // What may not be looked at here may be a link for whoever makes the call.
      this.isExhausted ||= !NOTHING_THERE.has((error as NodeJS.ErrnoException).code ?? '')
      return null
    }
  }
}

/** Of the last workspace that was asked about. */
let kept: { readonly workspace: string; readonly root: string | null; readonly untilMs: number } | undefined

/** Neither follows what has become a link meanwhile, nor waits for a pipe. */
function textIn(path: string): string | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = fstatSync(file)
    return found.isFile() && found.size <= MAXIMUM_BYTES ? readFileSync(file, 'utf8') : undefined
  } finally {
    closeSync(file)
  }
}

/** A workspace that nobody may look at here is as one on another machine. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}
