import type { Folders } from './fact-types.js'
import { directoryOf } from './folders.js'
import { type Directory, directoriesFrom, joinDirectories, MAXIMUM_DIRECTORIES } from './shell/directory.js'

/** The folders in which the scripts of a call may begin, one script after the other. */
export class Whereabouts {
  readonly #workspace: Directory
  #start: readonly Directory[]
  #left: readonly Directory[] | undefined
  #here: readonly Directory[] | undefined

  constructor(workspace: string, others: Folders) {
    this.#workspace = { path: workspace, certainty: 'known' }
    this.#start = [this.#workspace, ...others.map(directoryOf)]
    this.#here = others.length === 0 ? this.#start : undefined
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
      .flatMap((text) => directoriesFrom([this.#workspace], { text, isDynamic: false }))
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
