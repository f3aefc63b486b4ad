import type { Effect, Role } from '../model/call.js'
import { effectsOf } from '../shell/command-effects.js'
import { isRunner } from '../shell/command-kinds.js'
import { releases, releasesBy, shellFault } from '../shell/programs/beside-script.js'
import { faultsIn } from '../shell/programs/faults.js'
import { askedBy } from '../shell/programs/http-clients.js'
import { databaseOf, statementsOf } from '../shell/programs/sql-clients.js'
import { readScript } from '../shell/script.js'
import type { ShellCommand } from '../shell/shell-script.js'
import { quoted } from '../shell/words.js'
import { type SecretFact, secretsIn } from '../text/secrets.js'
import { type SignalFact, signalsIn } from '../text/signals.js'
import type { FoundTool } from '../tools/catalogue.js'
import { guessedRole } from '../tools/guessed-role.js'
import { flagEffect, isOutput, saidEffect } from '../tools/said-effect.js'
import { ownEntry, searchesBelow, toolName } from '../tools/tool.js'
import { addressesIn, type MailFact } from '../values/mail.js'
import { amountOf } from '../values/money.js'
import { recipientsIn } from '../values/recipient.js'
import { looksLikeSql, readSql, type SqlFact } from '../values/sql.js'
import { linksIn, type UrlFact, urlFact, urlsIn } from '../values/url.js'
import type { CommandFact, FactOptions, Facts, FileFact, Placed } from './fact-types.js'
import { FileCollector } from './file-collector.js'
import { asCalled, foldersLeft, inFolder, isElsewhere, MAY_BE_FOLDER } from './folders.js'
import { PatchCollector } from './patch-collector.js'
import type { Leaf } from './strings.js'
import { Whereabouts } from './whereabouts.js'

const FILE_EFFECTS: readonly Effect[] = ['delete', 'write', 'read']

/** Takes the strings of a call one by one, and makes facts of them. */
export class Collector {
  /** By where the list stands: a command as a list of its words, as programs are started without a shell. */
  #wordLists: Map<string, string[]> | undefined
  #unread: Map<string, Placed & { reason: string }> | undefined
  readonly #options: FactOptions
  readonly #readsWords: boolean
  readonly #tool: FoundTool
  readonly #name: string
  /** What it is called, where it is a tool of Git. */
  readonly #ofGit: string | undefined
  readonly #effects = new Set<Effect>()
  readonly #commands: CommandFact[] = []
  readonly #urls: (UrlFact & Placed)[] = []
  readonly #mails: (MailFact & Placed)[] = []
  readonly #recipients: (Placed & { text: string })[] = []
  readonly #amounts: (Placed & { amount: number })[] = []
  readonly #numbers: (Placed & { number: number })[] = []
  readonly #sql: (SqlFact & Placed)[] = []
  readonly #code: (Placed & { interpreter: string; text: string })[] = []
  readonly #secrets: (SecretFact & Placed)[] = []
  readonly #signals: (SignalFact & Placed)[] = []
  readonly #texts: (Placed & { role: Role | undefined; text: string })[] = []
  #namesPath = false
  readonly #whereabouts: Whereabouts
  readonly #files: FileCollector
  readonly #patches: PatchCollector

  /** `readsWords`: its texts are told to somebody, or are all there is. `cwd`: as `Call` has it. */
  constructor(
    name: string,
    tool: FoundTool,
    options: FactOptions,
    { readsWords, cwd }: { readonly readsWords: boolean; readonly cwd?: string | undefined },
  ) {
    this.#readsWords = readsWords
    this.#options = options
    const folders = tool.keepsFolder === true ? (options.folders ?? []) : []
    this.#whereabouts = new Whereabouts(options.workspace, { cwd, folders })
    this.#files = new FileCollector(options, this.#whereabouts, this)
    this.#patches = new PatchCollector(options, this.#files, this)
    this.#name = name
    this.#tool = tool
    const plain = tool.isKnown && name.includes('git') ? toolName(name) : undefined
    this.#ofGit = plain?.startsWith('git_') === true ? plain : undefined
    for (const effect of tool.effects) this.#effects.add(effect)
  }

  facts(): Facts {
    for (const [where, words] of this.#wordLists ?? []) this.#takeScript(where, words.map(quoted).join(' '))
    this.#wordLists = undefined
    this.#checkPatches()
    return {
      tool: this.#name,
      isKnown: this.#tool.isKnown,
      isUntrusted: this.#tool.isUntrusted,
      isTrusted:
        this.#tool.isOwn &&
        !this.#tool.isUntrusted &&
        this.#effects.size > 0 &&
        [...this.#effects].every((effect) => effect === 'read'),
      effects: [...this.#effects],
      commands: this.#commands,
      files: this.#files.facts,
      urls: this.#urls,
      mails: this.#mails,
      recipients: this.#recipients,
      amounts: this.#amounts,
      numbers: this.#numbers,
      sql: this.#sql,
      code: this.#code,
      secrets: this.#secrets,
      signals: this.#signals,
      texts: this.#texts,
      folders:
        this.#tool.keepsFolder === true ? foldersLeft(this.#whereabouts.left, this.#options) : undefined,
      unread: this.#unread === undefined ? [] : [...this.#unread.values()],
    }
  }

  /** Has the scripts among them begin in the folder that is said beside them. */
  enter(leaves: readonly Leaf[]): void {
    const named = leaves.filter((leaf) => MAY_BE_FOLDER.test(leaf.names.at(-1) ?? '') && this.#isFolder(leaf))
    if (named.length > 0) this.#whereabouts.enter(named.map(({ value }) => String(value)))
  }

  #isFolder({ names, value }: Leaf): boolean {
    return value !== '' && value !== '.' && this.#roleOf(names) === 'directory'
  }

  fail(where: string, reason: string): void {
    this.#unread ??= new Map()
    this.#unread.set(`${where} ${reason}`, { where, reason })
  }

  /** A file is taken away. */
  loses(): void {
    this.#effects.add('delete')
  }

  take({ where, names, value }: Leaf): void {
    const role = this.#roleOf(names)
    if (role === 'command' && this.#isWordOfCommand(where, names, value)) return
    if (role === 'amount') {
      const amount = amountOf(value)
      if (amount === undefined) this.fail(where, 'an amount that is no number')
      else this.#amounts.push({ where, amount })
    }
    if (typeof value === 'number') return void this.#numbers.push({ where, number: value })
    if (this.#ofGit !== undefined) this.#takeGit(where, names, value, role)
    if (this.#tool.isKnown) this.#takeBeside(where, names, value, role)
    this.#texts.push({ where, role, text: value })
    this.#takeValues(where, value, role)
    if (this.#tool.isGuessed) this.#takeSaid(where, names.at(-1) ?? '', value, role)
    switch (role) {
      case 'command':
        return this.#takeScript(where, value)
      case 'code':
        if (value === '') return
        this.#effects.add('execute')
        return void this.#code.push({ where, interpreter: this.#name, text: value })
      case 'sql':
        return this.#takeSql(where, value)
      case 'patch':
        return this.#patches.take(where, value, this.#whereabouts.named)
      case 'path':
        this.#namesPath ||= value.trim() !== ''
        return this.#takePath(where, value)
      case 'directory':
        return this.#takePath(where, value)
      case 'url':
        return this.#takeUrl(where, value)
      case 'recipient':
        return this.#takeRecipients(where, value)
      case 'identifier':
        return this.#takeNamed(where, names.at(-1) ?? '', value)
      case undefined:
        return this.#takeUnknown(where, value)
      default:
    }
  }

  /** What a tool of Git is told beside files: an option in the place of a name, or another repository. */
  #takeGit(where: string, names: readonly string[], text: string, role: Role | undefined): void {
    if (role !== 'text' && text.startsWith('-')) this.fail(where, 'an option in the place of a name')
    const isOther = names.at(-1) === 'repo_path' && isElsewhere(text, this.#options)
    if (isOther && this.#ofGit !== 'git_init') this.#effects.add('execute')
    // What is no branch is a file, and what was changed there is gone.
    const isFile = /^\.$|^:|[^/\d]\.[a-z]\w{0,4}$/i.test(text) && role !== 'path'
    if (isFile && this.#ofGit === 'git_checkout') this.#effects.add('delete')
  }

  /** A resource that a server reads may be a file or a page, and one tool may delete by one of its words. */
  #takeNamed(where: string, name: string, given: string): void {
    if (name === 'command' && /^(?:delete|remove)$/i.test(given)) this.#effects.add('delete')
    if (name !== 'uri' && name !== 'url') return
    // Those who parse a URL drop these.
    const text = given.replace(/[\t\n\r]/g, '').trim()
    if (/^(?:file:|[/~])/i.test(text)) this.#takePath(where, text, 'read')
    else if (/^https?:/i.test(text)) {
      this.#takeUrl(where, text)
      this.#effects.add('outward-read')
    }
  }

  /** What is said beside a script or a statement, and changes what it is. */
  #takeBeside(where: string, names: readonly string[], text: string, role: Role | undefined): void {
    const { roles } = this.#tool
    if (roles['command'] === 'command') {
      const fault = shellFault(names, text)
      if (fault !== undefined) this.fail(where, fault)
      if (releasesBy(names.at(-1) ?? '', text)) this.#effects.add('admin')
    }
    if (roles['sql'] !== 'sql') return
    // A name that is put into a statement, and a database elsewhere that is told one.
    if (role !== 'sql' && role !== 'secret' && /[;'"]|--/.test(text)) this.fail(where, 'more than a name')
    const isAddress = role === 'secret' || role === 'url'
    if (isAddress && urlFact(text)?.isLocal === false) this.#effects.add('outward-read')
  }

  /** `delete: true` of a tool of which nobody says what it does, or only its server, and what any is let go by. */
  takeFlag(name: string): void {
    const effect = this.#tool.isGuessed ? flagEffect(name) : undefined
    if (effect !== undefined) this.#effects.add(effect)
    if (releases(name)) this.#effects.add('admin')
  }

  /** What the arguments of a tool say that it does of which nobody else says it. */
  #takeSaid(where: string, name: string, text: string, role: Role | undefined): void {
    const effect = saidEffect(name, text)
    if (effect !== undefined) this.#effects.add(effect)
    if (role === 'url' && urlFact(text)?.isLocal === false) this.#effects.add('outward-read')
    if (role === 'query' && looksLikeSql(text)) this.#takeSql(where, text)
    // What reads may put what it has read somewhere.
    if (isOutput(name) && /^(?:~|\/|\.\.?[/\\]|[A-Za-z]:\\)|[/\\]\.\.[/\\]/.test(text)) {
      this.#takePath(where, text, 'write')
      this.#effects.add('write')
    }
  }

  /**
   * `command: ['rm', '-rf', 'x']` is one command, `commands: ['ls', 'rm -rf x']` are two; of a tool that is not known it may
   * be either. True where the word says nothing alone.
   */
  #isWordOfCommand(where: string, names: readonly string[], value: string | number): boolean {
    const list = /^(.*)\/\d+$/.exec(where)?.[1]
    if (list === undefined) return false
    const isOne = !/s$/i.test(names.at(-1) ?? '') || /^args$/i.test(names.at(-1) ?? '')
    if (this.#tool.isKnown && !isOne) return false
    this.#wordLists ??= new Map()
    const words = this.#wordLists.get(list) ?? []
    words.push(String(value))
    this.#wordLists.set(list, words)
    if (!this.#tool.isKnown) return false
    this.#texts.push({ where, role: 'command', text: String(value) })
    if (typeof value === 'string') this.#takeValues(where, value, 'command')
    return true
  }

  /** What an argument's role is: as the tool has it, or by the nearest name that tells. */
  #roleOf(names: readonly string[]): Role | undefined {
    const { roles } = this.#tool
    for (let i = names.length - 1; i >= 0; i--) {
      const name = names[i] as string
      const role = ownEntry(roles, name) ?? ownEntry(roles, name.toLowerCase())
      if (role !== undefined) return role
    }
    for (let i = names.length - 1; i >= 0; i--) {
      const role = guessedRole(names[i] as string)
      if (role === null) return undefined
      // A body of many members is no text, and neither is what they are.
      if (role !== undefined && (role !== 'text' || i === names.length - 1)) return role
    }
    return undefined
  }

  #access(): FileFact['access'] {
    const found = FILE_EFFECTS.find((effect) => this.#effects.has(effect))
    return found === 'delete' || found === 'read'
      ? found
      : found === undefined && this.#tool.isKnown
        ? 'read'
        : 'write'
  }

  /** Links, addresses and secrets are found wherever they stand. */
  #takeValues(where: string, text: string, role: Role | undefined): void {
    const found = this.#effects.has('send') ? linksIn(text) : urlsIn(text)
    for (const url of found) this.#urls.push({ where, ...url })
    for (const mail of addressesIn(text)) this.#mails.push({ where, ...mail })
    for (const secret of secretsIn(text)) this.#secrets.push({ where, ...secret })
    if (this.#readsWords && (role === 'text' || role === undefined))
      for (const signal of signalsIn(text)) this.#signals.push({ where, ...signal })
  }

  #takeUrl(where: string, text: string): void {
    // To some it parts a path, to others the name of a user from the host.
    if (text.includes('\\')) this.fail(where, 'a URL that is read in two ways')
    if (/^file:/i.test(text)) return this.#files.take(where, { text, isDynamic: false }, 'read')
    const url = urlFact(text)
    if (url === undefined) this.fail(where, text.includes('://') ? 'a URL that leads nowhere' : 'no URL')
    // In a text a link may end before its host does: `https://a"@b`.
    else if (!this.#urls.some((found) => found.where === where && found.host === url.host))
      this.#urls.push({ where, ...url })
  }

  #takeSql(where: string, text: string): void {
    const { statements, unread } = readSql(text)
    if (unread !== undefined) this.fail(where, unread)
    for (const statement of statements) {
      this.#sql.push({ where, ...statement })
      this.#effects.add(statement.kind === 'schema' ? 'write' : statement.kind)
    }
  }

  /** Servers that are asked by their names alone: `curl localhost:3000/health`. */
  #takeAsked(where: string, command: ShellCommand): void {
    for (const text of askedBy(command)?.urls ?? []) {
      const url = text === undefined ? undefined : urlFact(text)
      if (url === undefined) this.fail(where, `what ${command.name} asks is known when it runs`)
      else this.#urls.push({ where, ...url })
    }
  }

  /** What a tool changes that takes patches is known by what names it. */
  #checkPatches(): void {
    if (this.#namesPath) return
    const { nameless } = this.#patches
    for (const where of nameless) this.fail(where, 'a patch that names no file')
    if (!this.#tool.isKnown || nameless.length > 0 || this.#files.facts.length > 0) return
    for (const name in this.#tool.roles)
      if (this.#tool.roles[name] === 'patch') return this.fail('', 'a patch that names no file')
  }

  #takeRecipients(where: string, text: string): void {
    for (const recipient of recipientsIn(text)) this.#recipients.push({ where, text: recipient })
  }

  /** It may be anything; what looks like an address or a path is taken for one. */
  #takeUnknown(where: string, text: string): void {
    if (text.length <= 200 && addressesIn(text).length > 0) this.#takeRecipients(where, text)
    if (/^(?:~|\.{1,2}|\/|[A-Za-z]:\\|file:)[/\\]?[^\s]*$/.test(text) && /[/\\~]/.test(text)) {
      this.#takePath(where, text)
    }
  }

  #takePath(where: string, text: string, access = this.#access()): void {
    const { named } = this.#whereabouts
    const isSearched = access === 'read' && this.#tool.isKnown && searchesBelow(this.#name)
    this.#files.takeTold(where, { text, isDynamic: false }, { access, isSearched }, named)
  }

  #takeScript(where: string, source: string): void {
    const variables = this.#tool.keepsFolder === true ? this.#options.variables : []
    const script = readScript(source, this.#whereabouts.start, variables)
    for (const reason of faultsIn(source, script)) this.fail(where, reason)
    this.#patches.enter(source, script)
    this.#whereabouts.leave(script.left)
    for (const reason of script.unread) this.fail(where, reason)
    for (const folder of script.entered) this.#files.takeFolder(where, folder)
    for (const command of script.commands) this.#takeCommand(where, command)
    for (const { target, isWrite, directories } of script.redirects)
      this.#files.takeAll(where, [target], isWrite ? 'write' : 'read', directories)
    for (const one of script.emptied) if (this.#files.takeEmptied(where, one)) this.loses()
    for (const { interpreter, text } of script.code) this.#code.push({ where, interpreter, text })
    if (script.code.length > 0) this.#effects.add('execute')
    // It sets variables of a shell that is over then.
    if (script.commands.length + script.redirects.length === 0) this.#effects.add('read')
  }

  #takeCommand(where: string, given: ShellCommand): void {
    const command = inFolder(given, this.#options.links)
    const found = asCalled(given, effectsOf(command), this.#options, command.directories)
    const known = this.#withSql(where, command, this.#files.withFiles(command, found))
    const placed = this.#files.withFolder(where, command, found, known)
    const effects = this.#files.withCode(where, command, found, placed)
    this.#patches.takeHanded(where, command, found)
    this.#takeAsked(where, command)
    const runsInner = isRunner(command.name)
    this.#commands.push({
      where,
      words: found.words,
      effects,
      arguments: given.args.map(({ text }) => text),
      wrappers: command.wrappers,
    })
    if (!runsInner) for (const effect of effects) this.#effects.add(effect)
    this.#files.takeKnown(where, command, found, effects)
    // What a runner is given belongs to the command that it runs.
    if (runsInner || /^(?:sudo|doas|chroot|unshare|runuser)$/.test(command.name)) return
    this.#files.takeNamed(where, command, found)
  }

  /** SQL that a client of a database is given says itself what it does. */
  #withSql(where: string, command: ShellCommand, effects: readonly Effect[]): readonly Effect[] {
    const { name, args, directories } = command
    const statements = statementsOf(command)
    if (statements === undefined) return effects
    const told = effects.find((effect) => effect === 'outward-read' || effect === 'send')
    for (const { text, isDynamic } of statements) {
      this.#takeSql(where, text)
      if (isDynamic) this.fail(where, `what ${name} is given is known when it runs`)
    }
    const file = databaseOf(name, args)
    if (file !== undefined) this.#files.takeAll(where, [file], 'write', directories)
    return [told ?? 'read']
  }
}
