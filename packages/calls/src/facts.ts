import type { Call, Effect, Role } from './model/call.js'
import { effectsOf } from './shell/command-effects.js'
import type { CommandEffects } from './shell/program.js'
import { PROGRAMS } from './shell/programs.js'
import { readScript, type ShellCommand } from './shell/script.js'
import type { Argument } from './shell/words.js'
import { type Leaf, leavesOf } from './strings.js'
import { guessedRole, guessedTool } from './tools/guessed-tool.js'
import { KNOWN_TOOLS } from './tools/known-tools.js'
import { type Tool, type Tools, toolName } from './tools/tool.js'
import { addressesIn, type MailFact } from './values/mail.js'
import { amountOf } from './values/money.js'
import { isGenerated, isWorkable, type PathFact, type PathOptions, pathFact } from './values/path.js'
import { recipientsIn } from './values/recipient.js'
import { readSql, type SqlFact } from './values/sql.js'
import { linksIn, type UrlFact, urlFact, urlsIn } from './values/url.js'

/** Where in the arguments something stands, as a JSON Pointer. */
interface Placed {
  readonly where: string
}

/** One command of a script. */
export interface CommandFact extends Placed {
  /** `git`, `push`: the program and its subcommands. */
  readonly words: readonly string[]
  /** Empty where the program, or what it is told to do, is not known. */
  readonly effects: readonly Effect[]
  readonly arguments: readonly string[]
  /** What runs it: `sudo`, `xargs`. */
  readonly wrappers: readonly string[]
}

/** A path, and what would be done there. */
export interface FileFact extends PathFact, Placed {
  readonly access: 'read' | 'write' | 'delete'
  /** A write there is no more than work in the workspace. */
  readonly isWorkable: boolean
}

export interface FactOptions extends PathOptions {
  /** Of the deployer, before those that are known. */
  readonly tools?: Tools | undefined
}

/** What a call would do, as far as its text tells. */
export interface Facts {
  readonly tool: string
  /** Whether the deployer or this package knows it; otherwise its effects are a guess. */
  readonly isKnown: boolean
  /** What it answers was written by others. */
  readonly isUntrusted: boolean
  /** The deployer says that nobody else writes what it answers, and it does no more than read. */
  readonly isTrusted: boolean
  readonly effects: readonly Effect[]
  readonly commands: readonly CommandFact[]
  readonly files: readonly FileFact[]
  readonly urls: readonly (UrlFact & Placed)[]
  readonly mails: readonly (MailFact & Placed)[]
  /** Whom it is for, as it was given: an address, an account, a channel. */
  readonly recipients: readonly (Placed & { readonly text: string })[]
  readonly amounts: readonly (Placed & { readonly amount: number })[]
  /** Every number, sums among them. */
  readonly numbers: readonly (Placed & { readonly number: number })[]
  readonly sql: readonly (SqlFact & Placed)[]
  readonly code: readonly (Placed & { readonly interpreter: string; readonly text: string })[]
  readonly texts: readonly (Placed & { readonly role: Role | undefined; readonly text: string })[]
  /** What could not be read, and why. */
  readonly unread: readonly (Placed & { readonly reason: string })[]
}

/** Everything in a call, each string of it in some fact. */
export function factsOf(call: Call, options: FactOptions): Facts {
  const collector = new Collector(call, options)
  const { leaves, unread } = leavesOf(call.arguments)
  for (const reason of unread) collector.fail('', reason)
  for (const leaf of leaves) collector.take(leaf)
  return collector.facts()
}

const FILE_EFFECTS: readonly Effect[] = ['delete', 'write', 'read']

class Collector {
  readonly #unread = new Map<string, Placed & { reason: string }>()
  readonly #options: FactOptions
  readonly #tool: Tool
  readonly #name: string
  readonly #isKnown: boolean
  readonly #isTrusted: boolean
  readonly #effects = new Set<Effect>()
  readonly #commands: CommandFact[] = []
  readonly #files: FileFact[] = []
  readonly #urls: (UrlFact & Placed)[] = []
  readonly #mails: (MailFact & Placed)[] = []
  readonly #recipients: (Placed & { text: string })[] = []
  readonly #amounts: (Placed & { amount: number })[] = []
  readonly #numbers: (Placed & { number: number })[] = []
  readonly #sql: (SqlFact & Placed)[] = []
  readonly #code: (Placed & { interpreter: string; text: string })[] = []
  readonly #texts: (Placed & { role: Role | undefined; text: string })[] = []

  constructor({ tool }: Call, options: FactOptions) {
    this.#options = options
    const name = toolName(tool)
    const own = ownEntry(options.tools ?? {}, tool) ?? ownEntry(options.tools ?? {}, name ?? tool)
    const known = own ?? (name === undefined ? undefined : ownEntry(KNOWN_TOOLS, name))
    this.#name = tool
    this.#isTrusted = own !== undefined && !own.isUntrusted
    this.#isKnown = known !== undefined
    this.#tool = known ?? guessedTool(tool)
    for (const effect of this.#tool.effects) this.#effects.add(effect)
  }

  facts(): Facts {
    return {
      tool: this.#name,
      isKnown: this.#isKnown,
      isUntrusted: this.#tool.isUntrusted,
      isTrusted: this.#isTrusted && this.#effects.size > 0 && [...this.#effects].every((e) => e === 'read'),
      effects: [...this.#effects],
      commands: this.#commands,
      files: this.#files,
      urls: this.#urls,
      mails: this.#mails,
      recipients: this.#recipients,
      amounts: this.#amounts,
      numbers: this.#numbers,
      sql: this.#sql,
      code: this.#code,
      texts: this.#texts,
      unread: [...this.#unread.values()],
    }
  }

  fail(where: string, reason: string): void {
    this.#unread.set(`${where} ${reason}`, { where, reason })
  }

  take({ where, names, value }: Leaf): void {
    const role = this.#roleOf(names)
    if (role === 'amount') {
      const amount = amountOf(value)
      if (amount === undefined) this.fail(where, 'an amount that is no number')
      else this.#amounts.push({ where, amount })
    }
    if (typeof value === 'number') return void this.#numbers.push({ where, number: value })
    this.#texts.push({ where, role, text: value })
    this.#takeValues(where, value)
    switch (role) {
      case 'command':
        return this.#takeScript(where, value)
      case 'code':
        this.#effects.add('execute')
        return void this.#code.push({ where, interpreter: this.#name, text: value })
      case 'sql':
        return this.#takeSql(where, value)
      case 'path':
        return this.#takeFile(where, { text: value, isDynamic: false }, this.#access())
      case 'url':
        return this.#takeUrl(where, value)
      case 'recipient':
        return this.#takeRecipients(where, value)
      case undefined:
        return this.#takeUnknown(where, value)
      default:
    }
  }

  /** What an argument's role is: as the tool has it, or by the nearest name that tells. */
  #roleOf(names: readonly string[]): Role | undefined {
    for (const name of [...names].reverse()) {
      const role = ownEntry(this.#tool.roles, name) ?? ownEntry(this.#tool.roles, name.toLowerCase())
      if (role !== undefined) return role
    }
    for (const name of [...names].reverse()) {
      const role = guessedRole(name)
      if (role !== undefined) return role
    }
    return undefined
  }

  #access(): FileFact['access'] {
    const found = FILE_EFFECTS.find((effect) => this.#effects.has(effect))
    return found === 'delete' || found === 'read'
      ? found
      : found === undefined && this.#isKnown
        ? 'read'
        : 'write'
  }

  /** Links and addresses are found wherever they stand. */
  #takeValues(where: string, text: string): void {
    const found = this.#effects.has('send') ? linksIn(text) : urlsIn(text)
    for (const url of found) this.#urls.push({ where, ...url })
    for (const mail of addressesIn(text)) this.#mails.push({ where, ...mail })
  }

  #takeUrl(where: string, text: string): void {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
      if (/^file:/i.test(text)) this.#takeFile(where, { text, isDynamic: false }, 'read')
      else if (urlFact(text) === undefined) this.fail(where, 'a URL that leads nowhere')
      return
    }
    const url = urlFact(text)
    if (url === undefined) this.fail(where, 'no URL')
    else this.#urls.push({ where, ...url })
  }

  #takeSql(where: string, text: string): void {
    const { statements, unread } = readSql(text)
    if (unread !== undefined) this.fail(where, unread)
    const effects: Readonly<Record<SqlFact['kind'], Effect>> = {
      read: 'read',
      write: 'write',
      delete: 'delete',
      schema: 'write',
      admin: 'admin',
    }
    for (const statement of statements) {
      this.#sql.push({ where, ...statement })
      this.#effects.add(effects[statement.kind])
    }
  }

  #takeRecipients(where: string, text: string): void {
    for (const recipient of recipientsIn(text)) this.#recipients.push({ where, text: recipient })
  }

  /** It may be anything; what looks like an address or a path is taken for one. */
  #takeUnknown(where: string, text: string): void {
    if (text.length <= 200 && addressesIn(text).length > 0) this.#takeRecipients(where, text)
    if (/^(?:~|\.{1,2}|\/|[A-Za-z]:\\|file:)[/\\]?[^\s]*$/.test(text) && /[/\\~]/.test(text)) {
      this.#takeFile(where, { text, isDynamic: false }, this.#access())
    }
  }

  #takeScript(where: string, source: string): void {
    const script = readScript(source)
    for (const reason of script.unread) this.fail(where, reason)
    for (const command of script.commands) this.#takeCommand(where, command)
    for (const { target, isWrite } of script.redirects)
      this.#takeFile(where, target, isWrite ? 'write' : 'read')
    for (const { interpreter, text } of script.code) this.#code.push({ where, interpreter, text })
    if (script.code.length > 0) this.#effects.add('execute')
  }

  #takeCommand(where: string, command: ShellCommand): void {
    const found = effectsOf(command)
    const { words, reads, writes } = found
    const effects = this.#withSql(where, command, this.#withFiles(found))
    const runsInner = isRunner(command.name)
    this.#commands.push({
      where,
      words,
      effects,
      arguments: command.args.map(({ text }) => text),
      wrappers: command.wrappers,
    })
    if (!runsInner) for (const effect of effects) this.#effects.add(effect)
    for (const file of reads) this.#takeFile(where, file, 'read')
    for (const file of writes) this.#takeFile(where, file, effects.includes('delete') ? 'delete' : 'write')
    // What a runner is given belongs to the command that it runs.
    if (runsInner || /^(?:sudo|doas|chroot|unshare|runuser)$/.test(command.name)) return
    for (const { text } of command.args) this.#takeHidden(where, text, reads, writes)
  }

  /** What the next build makes again is no loss. */
  #withFiles({ effects, writes, words }: CommandEffects): readonly Effect[] {
    if (effects.includes('delete') && words.join() === 'rm' && writes.length > 0) {
      const areGenerated = writes.every(({ text, isDynamic }) => {
        return isGenerated(pathFact(text, this.#options, isDynamic), this.#options)
      })
      if (areGenerated) return ['write']
    }
    return effects
  }

  /** SQL that a client of a database is given says itself what it does. */
  #withSql(where: string, { name, args }: ShellCommand, effects: readonly Effect[]): readonly Effect[] {
    const statement = statementOf(name, args)
    if (statement === undefined) return effects
    this.#takeSql(where, statement.text)
    if (statement.isDynamic) this.fail(where, `what ${name} is given is known when it runs`)
    return ['read']
  }

  /** Files that stand in options: `--output=/etc/passwd`, `if=/dev/sda`, `@/etc/shadow`. */
  #takeHidden(where: string, text: string, reads: readonly Argument[], writes: readonly Argument[]): void {
    if ([...reads, ...writes].some((file) => file.text === text)) return
    const found = /^(.*?[=@]|)((?:~|\.{0,2}\/)[^\s:=@]+)$/.exec(text)
    if (found === null) return
    const isOutput = /^-{0,2}(?:o|out|of|output|outfile|output-\w+|log-?file|dest\w*|target\w*)=$/i.test(
      found[1] as string,
    )
    this.#takeFile(where, { text: found[2] as string, isDynamic: false }, isOutput ? 'write' : 'read')
  }

  #takeFile(where: string, { text, isDynamic }: Argument, access: FileFact['access']): void {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^file:/i.test(text)) return
    const fact = pathFact(text, this.#options, isDynamic)
    if (isDynamic) this.fail(where, `where ${text} lies is known when it runs`)
    this.#files.push({ where, ...fact, access, isWorkable: isWorkable(fact) })
  }
}

const SQL_CLIENTS = /^(?:psql|mysql|mariadb|sqlite3|duckdb)$/

/** Undefined for what is no client; one that is given nothing reads what nobody sees. */
function statementOf(name: string, args: readonly Argument[]): Argument | undefined {
  if (!SQL_CLIENTS.test(name)) return undefined
  const at = args.findIndex(({ text }) => /^(?:-c|--command|-e|--execute|-cmd)$/.test(text))
  const joined = args.find(({ text }) => /^--(?:command|execute)=/.test(text))
  if (joined !== undefined) return { ...joined, text: joined.text.slice(joined.text.indexOf('=') + 1) }
  const last = args
    .filter(({ text }) => !text.startsWith('-'))
    .slice(1)
    .at(-1)
  const given = at >= 0 ? args[at + 1] : /^(?:sqlite3|duckdb)$/.test(name) ? last : undefined
  return given ?? { text: 'a session that is given nothing', isDynamic: true }
}

/** What it does is what it is given to run. */
function isRunner(name: string): boolean {
  return (
    PROGRAMS.get(name)?.effect === 'read' &&
    /^(?:nohup|nice|time|timeout|stdbuf|setsid|ionice|watch|xargs|env|command|builtin|exec|parallel|cross-env)$/.test(
      name,
    )
  )
}

function ownEntry<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
