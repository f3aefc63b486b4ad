import { type Directory, directoriesFrom, joinDirectories, MAXIMUM_DIRECTORIES } from '../shell/directory.js'
import type { Folders } from './fact-types.js'
import { directoryOf } from './folders.js'

interface Others {
  readonly cwd?: string | undefined
  readonly folders: Folders
}

/** The folders in which the scripts of a call may begin, one script after the other. */
export class Whereabouts {
  /** Where paths in arguments, and folders that are said there, may begin. */
  readonly named: readonly Directory[]
  #start: readonly Directory[]
  #left: readonly Directory[] | undefined
  #here: readonly Directory[] | undefined

  /** `cwd`: as `Call` has it. `folders`: where earlier calls may have left the shell. */
  constructor(workspace: string, { cwd, folders }: Others) {
    const here: readonly Directory[] = [{ path: workspace, certainty: 'known' }]
    this.named = cwd === undefined ? here : joinDirectories(here, [saidFolder(cwd)])
    this.#start = folders.length === 0 ? this.named : joinDirectories(this.named, folders.map(directoryOf))
    this.#here = this.#start === here ? here : undefined
  }

  get start(): readonly Directory[] {
    return this.#start
  }

  /** Where a shell may be after the scripts; undefined where none has moved it. */
  get left(): readonly Directory[] | undefined {
    return this.#left
  }

  /** Whether they are the workspace and nowhere else: nothing is then resolved from another folder. */
  areHere(directories: readonly Directory[]): boolean {
    return directories === this.#here
  }

  /** The scripts begin in these instead. */
  enter(folders: readonly string[]): void {
    this.#start = folders
      .slice(0, MAXIMUM_DIRECTORIES)
      .flatMap((text) => directoriesFrom(this.named, { text, isDynamic: false }))
    this.#here = undefined
  }

  /** A script began at `start` and ended in these; the next may begin in either. */
  leave(directories: readonly Directory[]): void {
    if (directories === this.#start) return
    this.#left = joinDirectories(this.#left ?? directories, directories)
    this.#start = joinDirectories(this.#start, this.#left)
    this.#here = undefined
  }
}

/** What is no absolute path lies nobody knows where. */
function saidFolder(cwd: string): Directory {
  return directoryOf(/^[/~]/.test(cwd) ? cwd : null)
}
