import type { ShellCommand } from '../shell-script.js'
import type { Argument } from '../words.js'

/** How a client of a database is given statements. */
interface Client {
  /** Options before a statement, which may stand right behind: `-tAc 'select 1'`, `--command='select 1'`. */
  readonly statement: RegExp
  /** Options that have it read, run or write what nobody sees here. */
  readonly other: RegExp
  /** Options with which it shows what it is, or which databases there are, and asks for nothing. */
  readonly ends: RegExp
  /** Options whose value is the next word; undefined where no operand is a statement. */
  readonly valued?: RegExp
}

const MYSQL: Client = {
  statement: /^(?:-[ABbCcfGHijNnoqrsTtUvWwXE]*e|--(?:ex[a-z]*|init[a-z-]*)(?:=|$))(.*)$/s,
  other: /^--(?:defaults-[ef]|pag|te|pl|loc|del)/,
  ends: /^(?:-V|-\?|--version|--help)$/,
}
const CLIENTS: ReadonlyMap<string, Client> = new Map([
  [
    'psql',
    {
      statement: /^(?:-[aAbeEHnqsStwWxXz01l]*c|--co[a-z]*(?:=|$))(.*)$/s,
      other: /^-[aAbeEHnqsStwWxXz01l]*[foL]|^--(?:fil|lo|o)/,
      ends: /^(?:-V|-\?|--version|--help|--list|-[aAbeEHnqsStwWxXz01]*l[aAbeEHnqsStwWxXz01]*)$/,
    },
  ],
  ['mysql', MYSQL],
  ['mariadb', MYSQL],
  [
    'sqlite3',
    {
      statement: /^--?cmd()$/,
      other: /^--?(?:init|A|archive)/,
      ends: /^--?(?:version|help)$/,
      valued: /^--?(?:separator|nullvalue|newline|vfs|maxsize|mmap|heap|escape)$/,
    },
  ],
  [
    'duckdb',
    {
      statement: /^--?(?:cmd|c|s)()$/,
      other: /^--?(?:init|f|file|ui)$/,
      ends: /^--?(?:version|help)$/,
      valued: /^--?(?:separator|nullvalue|newline)$/,
    },
  ],
])

/** Commands of sqlite3 and duckdb that only show something, or say how it is shown. */
const SHOWS =
  /^\s*\.(?:tables?|schema|fullschema|index(?:es)?|indices|databases|dbinfo|headers?|mode|width|nullvalue|separator|timer|stats|changes|show|help|version|dump)\b[^\n|]*$/

/** All that a client is given to run; undefined for what is no client. One that is given nothing reads what nobody sees. */
export function statementsOf({ name, args, fed }: ShellCommand): readonly Argument[] | undefined {
  const client = CLIENTS.get(name)
  if (client === undefined) return undefined
  const { statements, isOther } = givenTo(client, args)
  // It shows something, and is over.
  if (!isOther && isOver(client, args)) return statements
  if (isOther || (statements.length > 0 && fed !== undefined)) return [...statements, UNSEEN]
  if (statements.length > 0) return statements.filter((one) => one.isDynamic || !shows(client, one))
  return [fed ?? UNSEEN]
}

/** The value of an option says nothing, and neither does what stands behind `--`. */
function isOver({ ends, valued = VALUED }: Client, args: readonly Argument[]): boolean {
  const end = args.findIndex(({ text }) => text === '--')
  const own = end < 0 ? args : args.slice(0, end)
  return own.some(({ text }, i) => ends.test(text) && !valued.test(own[i - 1]?.text ?? ''))
}
/** Of clients whose operands are no statements. */
const VALUED =
  /^(?:-[a-zA-Z01]*[dFhpPRTUvuDS]|--(?:dbname|field-separator|host|port|pset|record-separator|table-attr|username|set|variable|user|database|socket|password|protocol|character-sets-dir|default-character-set|delimiter|prompt))$/

export function isDatabaseClient(name: string): boolean {
  return CLIENTS.has(name)
}

const UNSEEN: Argument = { text: 'a session that reads what nobody sees', isDynamic: true }

function shows({ valued }: Client, { text }: Argument): boolean {
  return valued !== undefined && SHOWS.test(text)
}

function givenTo(
  { statement, other, valued }: Client,
  args: readonly Argument[],
): { statements: readonly Argument[]; isOther: boolean } {
  const statements: Argument[] = []
  let isOther = false
  let operands = 0
  for (let i = 0; i < args.length; i++) {
    const { text, isDynamic } = args[i] as Argument
    const found = text.startsWith('-') ? statement.exec(text) : null
    if (found !== null) {
      const joined = found[1] ?? ''
      const given = joined === '' ? args[++i] : { text: joined, isDynamic }
      if (given !== undefined) statements.push(given)
    } else if (text.startsWith('-')) {
      isOther ||= other.test(text)
      if (valued?.test(text) === true) i++
    } else if (valued !== undefined && ++operands > 1) statements.push({ text, isDynamic })
  }
  return { statements, isOther }
}

/** The file that it opens, which is made where it is not there; undefined where it is asked to write nothing. */
export function databaseOf(name: string, args: readonly Argument[]): Argument | undefined {
  if (!/^(?:sqlite3|duckdb)$/.test(name)) return undefined
  if (args.some(({ text }) => /^--?readonly$/.test(text) || /^file:.*[?&](?:mode=ro|immutable=1)/.test(text)))
    return undefined
  const at = args.findIndex(
    ({ text }, i) =>
      !text.startsWith('-') &&
      !/^--?(?:cmd|init|separator|nullvalue|newline|vfs|maxsize|mmap|heap|escape|c|s|f)$/.test(
        args[i - 1]?.text ?? '',
      ),
  )
  const file = args[at]
  return file === undefined || /^:memory:$|^$/.test(file.text) ? undefined : file
}
