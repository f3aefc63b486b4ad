import type { Directory } from './directory.js'
import type { Argument, Setting } from './words.js'

/** What stands at the standard input of a command. */
export interface Fed extends Argument {
  /** The file that it is read from. */
  readonly file: Argument | undefined
}

/** A simple command that a script would run. */
export interface ShellCommand {
  /** As it is called, without its folder; empty where only the running shell knows. */
  readonly name: string
  /** With its folder, where it is called by one. */
  readonly path: string
  readonly args: readonly Argument[]
  /** What it is run by, from outside: `sudo`, `xargs`, `sh -c`. */
  readonly wrappers: readonly string[]
  /** Where it reads from another command, which one. */
  readonly input: string | undefined
  /** What a file or a text that it is redirected from hands it; dynamic where that is not seen. */
  readonly fed: Fed | undefined
  /** Variables that are set for it, and those that the script hands to all programs and that name a place elsewhere. */
  readonly variables: readonly Setting[]
  /** The folders that it may run in, of which there is at least one. */
  readonly directories: readonly Directory[]
}

/** A file that a script opens itself, or a file descriptor, which is no file. */
export interface ShellRedirect {
  readonly target: Argument
  readonly isWrite: boolean
  readonly directories: readonly Directory[]
}

/** What a script would do, or what it would be if the parts that cannot be known were harmless. */
export interface ShellScript {
  readonly commands: readonly ShellCommand[]
  readonly redirects: readonly ShellRedirect[]
  /** Files that nothing is written to, so that what stood in them is gone: `: > x`. */
  readonly emptied: readonly ShellRedirect[]
  /** Code in other languages that is handed to an interpreter: `python -c`. */
  readonly code: readonly { readonly interpreter: string; readonly text: string }[]
  /** Where `cd` and `pushd` may lead. */
  readonly entered: readonly Directory[]
  /** Where a shell may be that has run it. */
  readonly left: readonly Directory[]
  /** What could not be read, and why. Whoever decides is stricter for each. */
  readonly unread: readonly string[]
}
