import { posix } from 'node:path'
import { ownProgram } from '../shell/command-effects.js'
import { type Directory, directoriesFrom, joinDirectories } from '../shell/directory.js'
import { directoryOptions } from '../shell/directory-options.js'
import { optionValue } from '../shell/option-values.js'
import type { CommandEffects } from '../shell/programs/program.js'
import type { ShellCommand } from '../shell/shell-script.js'
import type { Argument } from '../shell/words.js'
import type { Links } from '../values/links.js'
import { isWorkable, type PathFact, type PathOptions, pathFact } from '../values/path.js'
import type { FactOptions, FileFact, Folders } from './fact-types.js'

/** By its name, before its role is asked for. */
export const MAY_BE_FOLDER = /d(?:ir|irectory|ir_path)$|cwd$/i

export function directoryOf(folder: string | null): Directory {
  return { path: folder ?? '.', certainty: folder === null ? 'unknown' : 'known' }
}

/**
 * An ordinary folder of the workspace counts as the workspace: from there nothing leads further away. One that links lead
 * to elsewhere is none.
 */
export function foldersLeft(
  directories: readonly Directory[] | undefined,
  options: FactOptions,
): Folders | undefined {
  return directories?.flatMap(({ path, certainty }) => {
    if (certainty === 'above') return []
    if (certainty === 'unknown') return null
    const fact = pathFact(path, options)
    const isOrdinary = fact.place === 'workspace' && !fact.path.includes('/.')
    return isOrdinary && options.links?.realPath(fact.path) === undefined ? [] : fact.path
  })
}

/** What is read at the top of a repository may be what lies there in the workspace. */
export function isUnknown(from: Directory | undefined, access: FileFact['access']): boolean {
  return from?.certainty === 'unknown' || (from?.certainty === 'above' && access !== 'read')
}

/** A command where its options have it work, without these. */
export function inFolder(command: ShellCommand, links?: Links): ShellCommand {
  const found = directoryOptions(command.name, command.args)
  if (found === undefined) return command
  let { directories } = command
  for (const folder of found.folders)
    directories = joinDirectories(
      directoriesFrom(directories, folder),
      reachedByLinks(directories, folder, links),
    )
  return { ...command, args: found.rest, directories }
}

/** Programs enter a folder as the kernel does: `..` leads above what a link leads to. */
function reachedByLinks(
  from: readonly Directory[],
  { text, isDynamic }: Argument,
  links: Links | undefined,
): readonly Directory[] {
  if (links === undefined || isDynamic || !/(?:^|\/)\.\.(?:\/|$)/.test(text)) return []
  return from.flatMap(({ path, certainty }) => {
    const real = links.realPath(text.startsWith('/') ? text : `${path}/${text}`)
    return real === undefined || certainty === 'unknown' ? [] : { path: real, certainty }
  })
}

/** What `mv` takes away from a temporary folder, or puts something else in the place of. */
export function movedIn(
  { name, directories }: ShellCommand,
  writes: readonly Argument[],
  options: PathOptions,
): readonly Argument[] {
  if (name !== 'mv') return []
  return writes.filter(({ text, isDynamic }) =>
    directories.some(({ path }) => pathFact(text, options, isDynamic, path).place === 'temporary'),
  )
}

/** Where machines have programs, and people those that they have installed. */
const INSTALLED =
  /^(?:\/(?:usr|bin|sbin|opt|nix|snap|home\/linuxbrew|Applications|System|Library)\/|(?:~|\/(?:home|Users)\/[^/]+|\/root)\/(?:\.[\w-]+\/(?:[\w.+-]+\/)*|go\/|\w*conda\w*\/)s?bin\/)/

/** Of what links lead to. */
function ledFact({ text, isDynamic }: Argument, options: FactOptions, from: string): PathFact {
  const named = pathFact(text, options, isDynamic, from)
  const real = isDynamic ? undefined : options.links?.realPath(named.path)
  return real === undefined ? named : pathFact(real, options)
}

const REPOSITORY = ['--git-dir', '--work-tree']

/** Whether a folder is in another repository than the workspace: what is above that is in the same one, or around it. */
export function isElsewhere(folder: string, options: FactOptions, from = options.workspace): boolean {
  const found = ledFact({ text: folder, isDynamic: false }, options, from)
  const { place, path } = found
  const isAround = `${posix.resolve(options.workspace)}/`.startsWith(path === '/' ? path : `${path}/`)
  const isOrdinary = place === 'workspace' || (place === 'temporary' && isWorkable(found, 'write', options))
  return !isOrdinary && !isAround
}

/** What Git does without running what the settings of a repository name: pagers, filters, monitors of files, signers. */
const RUNS_NOTHING =
  /^(?:rev-parse|rev-list|ls-tree|cat-file|for-each-ref|show-ref|merge-base|name-rev|remote|symbolic-ref|branch|config|version|help|clone|init|worktree)$/

/** Git runs what the settings of a repository name, and those of another one are not the project's own. */
function isOtherRepository(
  { name, args, directories }: ShellCommand,
  { words }: CommandEffects,
  options: FactOptions,
): boolean {
  // A plan runs what its data come from.
  if (name !== 'git' && !/^(?:terraform|tofu)$/.test(name)) return false
  const isOther = directories.some(
    ({ path, certainty }) =>
      certainty === 'known' && path !== options.workspace && isElsewhere('.', options, path),
  )
  if (isOther && !RUNS_NOTHING.test(words[1] ?? 'help')) return true
  const end = args.findIndex(
    ({ text }, i) => !text.startsWith('-') && !/^-(?:[cC]|-[a-z-]+)$/.test(args[i - 1]?.text ?? ''),
  )
  return args.slice(0, end < 0 ? args.length : end).some((word, i) => {
    const value = optionValue(word, args[i + 1], REPOSITORY)?.value
    if (value === undefined) return false
    return directories.some(({ path }) => ledFact(value, options, path).place !== 'workspace')
  })
}

/** Whether it lies where programs are installed, or in the workspace. */
export function isInstalled({ place, path }: PathFact, { home = '~' }: FactOptions): boolean {
  const there = path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
  return place === 'workspace' || INSTALLED.test(there)
}

/** A program elsewhere is another one, whatever its name is. `workedIn`: the folders that its options have it work in. */
export function asCalled(
  command: ShellCommand,
  found: CommandEffects,
  options: FactOptions,
  workedIn = command.directories,
): CommandEffects {
  const { path, directories } = command
  if (isOtherRepository({ ...command, directories: workedIn }, found, options))
    return { ...found, effects: ['execute'] }
  if (!path.includes('/')) return found
  const facts = directories.map((directory) =>
    ledFact({ text: path, isDynamic: false }, options, directory.path),
  )
  const isOwn = facts.every(({ place }) => place === 'workspace')
  // What others have made for it is as unknown as it is behind `npx`.
  const isMade = facts.some((fact) => fact.path.includes('/node_modules/'))
  if (isOwn && !isMade && found.effects.length === 0) return ownProgram(command) ?? found
  return facts.every((fact) => isInstalled(fact, options)) ? found : { ...found, effects: ['execute'] }
}
