import { posix } from 'node:path'
import type { Effect } from '../model/call.js'
import {
  NAMES_FILES_ALONE,
  readsBelow,
  readsSelected,
  showsVariables,
  UNPACKS,
} from '../shell/command-kinds.js'
import { type Directory, LEFT_AGAIN } from '../shell/directory.js'
import { deletedNames, mayBeMade, selectedName } from '../shell/programs/found-files.js'
import { loadedBy } from '../shell/programs/loaded-code.js'
import type { CommandEffects } from '../shell/programs/program.js'
import type { ShellCommand, ShellRedirect } from '../shell/shell-script.js'
import type { Argument } from '../shell/words.js'
import { fileUrlReadings } from '../values/file-url.js'
import type { PatchedFile } from '../values/patch.js'
import {
  holdsSecrets,
  isGenerated,
  isSecretPath,
  isWorkable,
  type PathFact,
  pathFact,
} from '../values/path.js'
import { isLink } from '../values/url.js'
import type { FactOptions, FileFact } from './fact-types.js'
import { isInstalled, isUnknown, movedIn } from './folders.js'
import { hiddenFile, plainOutput, plainWord } from './hidden-files.js'
import type { Whereabouts } from './whereabouts.js'

/** What a shell makes other names of. */
const NAMES_SEVERAL = /[*?[{]/
/** What stands for all that is in a folder, at the end of a path. */
const SELECTS_ALL = /\/(?:[?.]*\*[*?.]*|\{\})$/
const NOWHERE = '/dev/null'
const HARMLESS_TARGET = /^\/dev\/|^\d+$/
const PUTS_THERE: ReadonlySet<string> = new Set(['cp', 'install', 'ln'])
const HERE: Argument = { text: '.', isDynamic: false }

/** Takes the files that a call names, each from every folder that it may be named in. */
export class FileCollector {
  readonly facts: FileFact[] = []
  readonly #options: FactOptions
  readonly #whereabouts: Whereabouts
  readonly #unread: { fail(where: string, reason: string): void }

  constructor(
    options: FactOptions,
    whereabouts: Whereabouts,
    unread: { fail(where: string, reason: string): void },
  ) {
    this.#options = options
    this.#whereabouts = whereabouts
    this.#unread = unread
  }

  take(where: string, file: Argument, access: FileFact['access'], from?: Directory): void {
    const { text } = file
    if (isLink(text)) return
    for (const reading of fileUrlReadings(text))
      this.#takeRead(where, { ...file, text: reading }, access, from)
  }

  #takeRead(where: string, file: Argument, access: FileFact['access'], from?: Directory): void {
    const { text } = file
    const isDynamic = file.isDynamic || (!/^[/~]/.test(text) && isUnknown(from, access))
    const fact = pathFact(text, this.#options, isDynamic, from?.path)
    if (isDynamic) this.#unread.fail(where, `where ${text} lies is known when it runs`)
    this.facts.push({ where, ...fact, access, isWorkable: isWorkable(fact, access, this.#options) })
    if (this.#options.links !== undefined) this.#follow(where, fact, access, from)
  }

  /** What it leads to by links is used as well as what it names. */
  #follow(where: string, fact: PathFact, access: FileFact['access'], from?: Directory): void {
    if (fact.place === 'device' || fact.place === 'unknown') return
    const isEntry = access === 'delete' && !/\/\.*$/.test(fact.text)
    for (const real of this.#realFacts(where, fact, from, isEntry))
      this.facts.push({ where, ...real, access, isWorkable: isWorkable(real, access, this.#options) })
  }

  /** What a path leads to that is not what it names. */
  #realFacts(
    where: string,
    { text, path }: PathFact,
    from: Directory | undefined,
    isEntry = false,
  ): readonly PathFact[] {
    const { links, workspace } = this.#options
    if (links === undefined) return []
    const folder = from?.path ?? workspace
    const whole = posix.isAbsolute(text) ? text : posix.isAbsolute(folder) ? `${folder}/${text}` : path
    // Behind a link `..` leads elsewhere than its text says, if whoever takes the path does not normalise it.
    const named = LEFT_AGAIN.test(whole) ? [path, whole] : [path]
    const found = new Set(named.map((one) => links.realPath(one, isEntry) ?? path))
    if (links.isExhausted) this.#unread.fail(where, 'links that could not all be followed')
    return [...found]
      .filter((real) => real !== path)
      .map((real) => ({ ...pathFact(real, this.#options), text }))
  }

  takeAll(
    where: string,
    files: readonly Argument[],
    access: FileFact['access'],
    directories: readonly Directory[],
  ): void {
    for (const file of files) {
      if (this.#whereabouts.areHere(directories)) this.take(where, file, access)
      else if (file.isDynamic || /^[/~]/.test(file.text)) this.take(where, file, access, directories[0])
      else for (const directory of directories) this.take(where, file, access, directory)
    }
  }

  takePatched(where: string, files: readonly PatchedFile[], directories: readonly Directory[]): void {
    for (const { text, access } of files)
      this.takeAll(where, [{ text, isDynamic: false }], access, directories)
  }

  /** What stands in a file of the workspace now; undefined where that cannot be read, or where it is not known which one. */
  textOf({ text, isDynamic }: Argument, directories: readonly Directory[]): string | undefined {
    const [from, ...others] = directories
    if (from === undefined || others.length > 0 || from.certainty !== 'known' || isDynamic) return undefined
    const { path, isSecret } = pathFact(text, this.#options, false, from.path)
    return isSecret || NAMES_SEVERAL.test(path) ? undefined : this.#options.links?.textOf(path)
  }

  /** Whoever enters a folder reads it. */
  takeFolder(where: string, { path, certainty }: Directory): void {
    if (certainty === 'known') this.take(where, { text: path, isDynamic: false }, 'read')
  }

  /** What a command is known to read and write, with the effects that it has where it runs. */
  takeKnown(
    where: string,
    command: ShellCommand,
    { reads, writes }: CommandEffects,
    effects: readonly Effect[],
  ): void {
    const { name, args, directories } = command
    this.#takeReads(where, command, reads)
    if (!effects.includes('delete')) this.takeAll(where, writes, 'write', directories)
    else if (name === 'mv') {
      this.takeAll(where, writes.slice(0, -1), 'delete', directories)
      this.takeAll(where, writes.slice(-1), 'write', directories)
    } else if (PUTS_THERE.has(name)) this.takeAll(where, writes.slice(-1), 'delete', directories)
    else {
      // What has a name of its own is not all of the folder that it is looked for in.
      const isNamed = name === 'find' && selectedName(args) !== undefined
      this.takeAll(where, isNamed ? deletedNames(args) : writes, 'delete', directories)
    }
    this.takeAll(where, movedIn(command, writes, this.#options), 'delete', directories)
  }

  /** Whoever reads all that is below a folder reads the secrets that lie there. */
  #takeReads(where: string, command: ShellCommand, reads: readonly Argument[]): void {
    const { input, fed, directories } = command
    const first = this.facts.length
    const isBelow = readsBelow(command)
    const isHere = isBelow && reads.length === 0 && input === undefined && fed === undefined
    this.takeAll(where, isHere ? [HERE] : reads, 'read', directories)
    if (isBelow) this.#markSecrets(first)
    else if (this.facts.length > first && readsSelected(command)) this.#markSecrets(first, SELECTS_ALL)
  }

  /** Of the files that were taken since, folders that hold secrets are some, where their paths are of this form. */
  #markSecrets(first: number, form?: RegExp): void {
    for (let i = first; i < this.facts.length; i++) {
      const fact = this.facts[i] as FileFact
      if ((form === undefined || form.test(fact.path)) && holdsSecrets(fact, this.#options))
        this.facts[i] = { ...fact, isSecret: true, isWorkable: false }
    }
  }

  /** What a tool is told. `isSearched`: it looks into all files below. */
  takeTold(
    where: string,
    file: Argument,
    { access, isSearched }: { access: FileFact['access']; isSearched: boolean },
    directories: readonly Directory[],
  ): void {
    const first = this.facts.length
    this.takeAll(where, [file], access, directories)
    if (isSearched) this.#markSecrets(first)
  }

  /** What else its words name: files in options, files of secrets, and where variables are shown. */
  takeNamed(where: string, command: ShellCommand, found: CommandEffects): void {
    const { words, reads, writes } = found
    const { args, directories } = command
    const first = this.facts.length
    const taken = writes.length === 0 ? reads : [...reads, ...writes]
    for (const [i, { text }] of args.entries()) {
      if (found.labels?.test(text) === true) continue
      const hidden = hiddenFile(text, args[i - 1]?.text ?? '', taken, found)
      if (hidden !== undefined) this.takeAll(where, [hidden.file], hidden.access, directories)
      else {
        const output = plainOutput(text, args[i - 1]?.text ?? '', found.effects)
        this.#takeLinked(where, output ?? plainWord(text, found.effects), directories)
      }
    }
    for (const { name, value } of command.variables)
      this.#takeLinked(where, plainOutput(`${name}=${value.text}`, '', found.effects), directories)
    if (!NAMES_FILES_ALONE.test(words.join(' ')))
      for (const { text } of args)
        if (found.labels?.test(text) !== true) this.#takeSecret(where, text, taken, directories)
    if (readsBelow(command)) this.#markSecrets(first)
    if (showsVariables(command)) this.take(where, { text: '/proc/self/environ', isDynamic: false }, 'read')
  }

  /** What is no more than a folder of the workspace, unless it is a link. */
  #takeLinked(where: string, text: string | undefined, directories: readonly Directory[]): void {
    const { links } = this.#options
    if (links === undefined || text === undefined) return
    const isLinked = directories.some(
      ({ path }) => links.realPath(pathFact(text, this.#options, false, path).path) !== undefined,
    )
    if (isLinked) this.takeAll(where, [{ text, isDynamic: false }], 'write', directories)
  }

  /** What the next build makes again is no loss. */
  withFiles(
    { args, directories }: ShellCommand,
    { effects, writes, words }: CommandEffects,
  ): readonly Effect[] {
    if (words[0] === 'mv' && this.#leavesWorkspace(writes, directories)) return ['delete']
    const isEmptying =
      PUTS_THERE.has(words[0] ?? '') && args.slice(0, -1).some(({ text }) => text === NOWHERE)
    if (isEmptying && writes.slice(-1).some((file) => this.#isLoss(file, directories))) return ['delete']
    const deleted = words[0] === 'find' ? deletedNames(args) : writes
    if (effects.includes('delete') && /^(?:rm|rimraf|find)$/.test(words.join()) && deleted.length > 0) {
      const areGenerated = directories.every(({ path }) =>
        deleted.every((file) => {
          const from = this.#whereabouts.areHere(directories) ? undefined : path
          const fact = pathFact(file.text, this.#options, file.isDynamic, from)
          return mayBeMade(file) && isGenerated(fact, this.#options)
        }),
      )
      if (areGenerated && directories.every(({ certainty }) => /^(?:known|stray)$/.test(certainty)))
        return ['write']
    }
    return effects
  }

  /** What stood in a file that nothing is written to is lost, if no build makes it again. */
  takeEmptied(where: string, { target, directories }: ShellRedirect): boolean {
    const isLost = this.#isLoss(target, directories)
    if (isLost) this.takeAll(where, [target], 'delete', directories)
    return isLost
  }

  #isLoss({ text, isDynamic }: Argument, directories: readonly Directory[]): boolean {
    if (HARMLESS_TARGET.test(text)) return false
    return directories.some(
      ({ path }) => !isGenerated(pathFact(text, this.#options, isDynamic, path), this.#options),
    )
  }

  /** Whether what no build makes again is moved out of the workspace. */
  #leavesWorkspace(moved: readonly Argument[], directories: readonly Directory[]): boolean {
    const to = moved.at(-1)
    return directories.some(({ path }) => {
      const factOf = ({ text, isDynamic }: Argument) => pathFact(text, this.#options, isDynamic, path)
      if (to === undefined || factOf(to).place === 'workspace') return false
      const left = moved.slice(0, -1).map(factOf)
      return left.some((fact) => fact.place === 'workspace' && !isGenerated(fact, this.#options))
    })
  }

  /** A build elsewhere is not the project's own, and what names no files changes those of the folder that it runs in. */
  withFolder(
    where: string,
    { name, directories }: ShellCommand,
    { writes }: CommandEffects,
    effects: readonly Effect[],
  ): readonly Effect[] {
    if (this.#whereabouts.areHere(directories)) return effects
    const isChange = effects.includes('write') || effects.includes('delete')
    const changesFolder = isChange && (UNPACKS.test(name) || writes.every(({ text }) => isLink(text)))
    let isElsewhere = false
    for (const { path, certainty } of directories) {
      const named = pathFact('.', this.#options, certainty === 'unknown', path)
      const real = certainty === 'unknown' ? [] : this.#realFacts(where, named, { path, certainty })
      const fact = real.find(({ place }) => place !== 'workspace') ?? real[0] ?? named
      if (certainty === 'above' && fact.place === 'workspace') continue
      if (fact.place !== 'workspace' && certainty !== 'stray') isElsewhere = true
      const isOwn = fact.place === 'workspace' && isWorkable(fact, 'write', this.#options)
      if (changesFolder && !isOwn)
        this.take(where, { text: '.', isDynamic: false }, 'write', { path, certainty })
    }
    return isElsewhere ? effects.map((effect) => (effect === 'build' ? 'execute' : effect)) : effects
  }

  /** What builds with code from elsewhere runs that: what is temporary others of the machine may have put there. */
  withCode(
    where: string,
    { name, args, directories }: ShellCommand,
    found: CommandEffects,
    effects: readonly Effect[],
  ): readonly Effect[] {
    if (!effects.includes('build')) return effects
    const loaded = loadedBy(name, args, found)
    if (loaded.length === 0) return effects
    const areOwn = directories.every((from) =>
      loaded.every(({ text, isDynamic }) => {
        const fact = pathFact(text, this.#options, isDynamic, from.path)
        const real = fact.place === 'unknown' ? [] : this.#realFacts(where, fact, from)
        return [fact, ...real].every((one) => isInstalled(one, this.#options))
      }),
    )
    return areOwn ? effects : effects.map((effect) => (effect === 'build' ? 'execute' : effect))
  }

  /** A file of secrets by its name, also as a part of a word: `HEAD:.env`, `-f.env`, `--file=.env`. */
  #takeSecret(
    where: string,
    text: string,
    taken: readonly Argument[],
    directories: readonly Directory[],
  ): void {
    if (!text.includes('.') && !text.includes('/')) return
    for (const part of [text, ...text.split(/[=:@,]/).slice(1), text.replace(/^-{1,2}\w/, '')]) {
      if (part === '' || part.startsWith('-') || taken.some((file) => file.text === part)) continue
      if (/^[\w.*?[\]/~-]{3,200}$/.test(part) && /[./]/.test(part) && isSecretPath(part, this.#options))
        return this.takeAll(where, [{ text: part, isDynamic: false }], 'read', directories)
    }
  }
}
