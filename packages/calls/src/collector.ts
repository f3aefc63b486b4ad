import type { CommandFact, FactOptions, Facts, FileFact, Placed } from './fact-types.js'
import type { Effect, Role } from './model/call.js'
import { effectsOf } from './shell/command-effects.js'
import type { CommandEffects } from './shell/program.js'
import { PROGRAMS } from './shell/programs.js'
import { readScript, type ShellCommand } from './shell/script.js'
import type { Argument } from './shell/words.js'
import type { Leaf } from './strings.js'
import { type SecretFact, secretsIn } from './text/secrets.js'
import { type SignalFact, signalsIn } from './text/signals.js'
import type { FoundTool } from './tools/catalogue.js'
import { guessedRole } from './tools/guessed-tool.js'
import { addressesIn, type MailFact } from './values/mail.js'
import { amountOf } from './values/money.js'
import { isGenerated, isWorkable, pathFact } from './values/path.js'
import { recipientsIn } from './values/recipient.js'
import { readSql, type SqlFact } from './values/sql.js'
import { linksIn, type UrlFact, urlFact, urlsIn } from './values/url.js'

/** `readsWords`: its texts are told to somebody, or are all there is. */
export interface CollectorOptions extends FactOptions {
  readonly readsWords: boolean
}

const FILE_EFFECTS: readonly Effect[] = ['delete', 'write', 'read']

/** Takes the strings of a call one by one, and makes facts of them. */
export class Collector {
  /** By where the list stands: a command as a list of its words, as programs are started without a shell. */
  readonly #wordLists = new Map<string, string[]>()
  readonly #unread = new Map<string, Placed & { reason: string }>()
  readonly #options: CollectorOptions
  readonly #tool: FoundTool
  readonly #name: string
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
  readonly #secrets: (SecretFact & Placed)[] = []
  readonly #signals: (SignalFact & Placed)[] = []
  readonly #texts: (Placed & { role: Role | undefined; text: string })[] = []

  constructor(name: string, tool: FoundTool, options: CollectorOptions) {
    this.#options = options
    this.#name = name
    this.#tool = tool
    for (const effect of tool.effects) this.#effects.add(effect)
  }

  facts(): Facts {
    for (const [where, words] of this.#wordLists) this.#takeScript(where, words.map(quoted).join(' '))
    this.#wordLists.clear()
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
      files: this.#files,
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
      unread: [...this.#unread.values()],
    }
  }

  fail(where: string, reason: string): void {
    this.#unread.set(`${where} ${reason}`, { where, reason })
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
    this.#texts.push({ where, role, text: value })
    this.#takeValues(where, value, role)
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

  /**
   * `command: ['rm', '-rf', 'x']` is one command, `commands: ['ls', 'rm -rf x']` are two; of a tool that is not known it may
   * be either. True where the word says nothing alone.
   */
  #isWordOfCommand(where: string, names: readonly string[], value: string | number): boolean {
    const list = /^(.*)\/\d+$/.exec(where)?.[1]
    if (list === undefined) return false
    const isOne = !/s$/i.test(names.at(-1) ?? '') || /^args$/i.test(names.at(-1) ?? '')
    if (this.#tool.isKnown && !isOne) return false
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
      if (role !== undefined) return role
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
    if (this.#options.readsWords && (role === 'text' || role === undefined))
      for (const signal of signalsIn(text)) this.#signals.push({ where, ...signal })
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
    if (!NAMES_FILES_ALONE.test(words.join(' ')))
      for (const { text } of command.args) this.#takeSecret(where, text, [...reads, ...writes])
    if (showsVariables(command))
      this.#takeFile(where, { text: '/proc/self/environ', isDynamic: false }, 'read')
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

  /** A file of secrets by its name, also as a part of a word: `HEAD:.env`, `-f.env`, `--file=.env`. */
  #takeSecret(where: string, text: string, taken: readonly Argument[]): void {
    for (const part of [text, ...text.split(/[=:@,]/).slice(1), text.replace(/^-{1,2}\w/, '')]) {
      if (part === '' || part.startsWith('-') || taken.some((file) => file.text === part)) continue
      if (/^[\w.*?[\]/~-]{3,200}$/.test(part) && /[./]/.test(part) && pathFact(part, this.#options).isSecret)
        return this.#takeFile(where, { text: part, isDynamic: false }, 'read')
    }
  }

  #takeFile(where: string, { text, isDynamic }: Argument, access: FileFact['access']): void {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^file:/i.test(text)) return
    const fact = pathFact(text, this.#options, isDynamic)
    if (isDynamic) this.fail(where, `where ${text} lies is known when it runs`)
    this.#files.push({ where, ...fact, access, isWorkable: isWorkable(fact, access, this.#options) })
  }
}

/** They say the name of a file or a pattern; what they look into is known from their table. */
const NAMES_FILES_ALONE =
  /^(?:echo|printf|ls|ll|test|\[|basename|dirname|realpath|readlink|stat|which|type|touch|find|fd|grep|egrep|fgrep|rg|ag|sed|awk|gawk|jq|yq|git grep|git check-ignore|git ls-files|git rm|git status)\b/

/** What shows all variables of the shell, among which are keys and tokens. */
function showsVariables({ name, args }: ShellCommand): boolean {
  const texts = args.map(({ text }) => text)
  if (name === 'printenv' || name === 'set') return texts.length === 0
  if (/^(?:export|declare|typeset|readonly)$/.test(name))
    return texts.every((text) => /^-\w*p\w*$/.test(text))
  if (/^(?:jq|yq|gojq)$/.test(name))
    return texts.some((text) => /\$ENV\b|(?:^|[^.\w"'-])env\b(?!\()/.test(text))
  if (/^[gm]?awk$/.test(name)) return texts.some((text) => /\bin\s+ENVIRON\b/.test(text))
  return name === 'ps' && texts.some((text) => /^[a-z]*e[a-z]*$/.test(text))
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

/** A word as a shell takes it for one. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
