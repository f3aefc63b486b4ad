import type { Directory } from '../shell/directory.js'
import { handedPatch, isPlainPatch } from '../shell/programs/handed-patch.js'
import type { CommandEffects } from '../shell/programs/program.js'
import type { ShellCommand, ShellScript } from '../shell/shell-script.js'
import type { Argument } from '../shell/words.js'
import { filesInPatch, type PatchedFile } from '../values/patch.js'
import { isGenerated, pathFact } from '../values/path.js'
import type { FactOptions } from './fact-types.js'
import type { FileCollector } from './file-collector.js'

/** What has commands run more than once, later than they stand, or beside each other. */
const AGAIN =
  /\b(?:for|while|until|select|function|trap|xargs|parallel|watch|coproc)\b|\(\s*\)|(?<![&<>|])&(?![&>\d])/

/** Takes the files that patches change, whoever is handed the patch. */
export class PatchCollector {
  /** Patches that name no file, which is right where another argument does. */
  readonly nameless: string[] = []
  readonly #options: FactOptions
  readonly #files: FileCollector
  readonly #collector: { fail(where: string, reason: string): void; loses(): void }
  /** Whether files may be others than they are now when the next command of the call is run. */
  #mayHaveChanged = false

  constructor(
    options: FactOptions,
    files: FileCollector,
    collector: { fail(where: string, reason: string): void; loses(): void },
  ) {
    this.#options = options
    this.#files = files
    this.#collector = collector
  }

  /** A patch that is an argument of the call. */
  take(where: string, patch: string, directories: readonly Directory[]): void {
    const files = filesInPatch(patch)
    if (files.length === 0 && patch.trim() !== '') this.nameless.push(where)
    this.#take(where, files, directories)
  }

  /** Before the commands of a script are looked at. */
  enter(source: string, { redirects }: ShellScript): void {
    this.#mayHaveChanged ||=
      AGAIN.test(source) || redirects.some((one) => one.isWrite && one.target.text !== '/dev/null')
  }

  /** Files that `patch` and `git apply` change, by the patch, where that can be read. */
  takeHanded(where: string, command: ShellCommand, { words, effects }: CommandEffects): void {
    const patch = handedPatch(command, words)
    if (patch !== undefined) {
      const { directories } = command
      const texts =
        patch === null ? [] : 'text' in patch ? [patch.text] : this.#textsOf(patch.files, directories)
      const found = texts.map((text) => (isPlainPatch(text) ? filesInPatch(text) : []))
      if (found.length === 0 || found.some((files) => files.length === 0))
        this.#collector.fail(where, `what ${command.name} changes is known when it runs`)
      for (const files of found) this.#take(where, files, directories)
    }
    this.#mayHaveChanged ||= !effects.every((effect) => effect === 'read')
  }

  /** As they are now, which they are still where nothing before them changes anything. */
  #textsOf(files: readonly Argument[], directories: readonly Directory[]): readonly string[] {
    const texts = this.#mayHaveChanged ? [] : files.map((file) => this.#files.textOf(file, directories))
    return texts.every((text) => text !== undefined) ? texts : []
  }

  /** A file that a patch takes away is lost as with `rm`, if a build does not make it again. */
  #take(where: string, files: readonly PatchedFile[], directories: readonly Directory[]): void {
    this.#files.takePatched(where, files, directories)
    const isLoss = ({ text, access }: PatchedFile): boolean =>
      access === 'delete' && !isGenerated(pathFact(text, this.#options), this.#options)
    if (files.some(isLoss)) this.#collector.loses()
  }
}
