import type { Effect } from '../../model/call.js'
import { baseName } from '../builtins.js'
import type { ShellCommand } from '../shell-script.js'
import type { Argument } from '../words.js'

/** What a project's own task is called when it does more than build and test. */
const GRAVE_TASK =
  /(?:^|[:._-])(?:deploy|publish|release|drop|destroy|delete|remove|purge|wipe|flush|nuke|teardown|uninstall|truncate|rollback|reset|eject|prune|prod|production|migrate|seed|upload|ship|provision|rollout|push|apply)(?:$|[:._-])/i
/** `predeploy`, `deployProd` */
const GRAVE_PART = /(?:^|[:._-])(?:pre|post)?(?:deploy|publish|release)(?:$|[:._-]|(?=[A-Z]))/

export function isGraveTask(text: string): boolean {
  return GRAVE_TASK.test(text) || GRAVE_PART.test(text)
}

/** Options before the file that an interpreter runs, which have it run or load nothing else than the project has. */
interface Options {
  readonly plain: RegExp
  /** Those whose value is the next word. */
  readonly valued?: RegExp
  /** With one of these it finds by itself what it runs. */
  readonly finds?: RegExp
}

/** A package of the project, or a file or folder of it. */
const OWN = '(?:\\./)?(?!.*\\.\\.)(?:@[\\w-]+/)?[\\w-][\\w./-]*'
const OWN_VALUE = new RegExp(`^${OWN}$`)
const INTERPRETERS: readonly (readonly [RegExp, Options])[] = [
  [
    /^(?:node|nodejs|tsx)$/,
    {
      plain: new RegExp(
        `^(?:-c|--check|--watch|--test|--test-(?:only|force-exit|update-snapshots|concurrency=\\d+|timeout=\\d+|shard=\\d+/\\d+|isolation=\\w+|reporter=[\\w-]+|coverage-[\\w-]+=\\S+|(?:name|skip)-pattern=.*)|--watch-path=${OWN}|--enable-source-maps|--trace-[\\w-]+|--no-[\\w-]+|--experimental-(?!loader|config|default-config)[\\w-]+|--inspect(?:-brk|-wait)?(?:=(?:(?:localhost|127\\.0\\.0\\.1):)?\\d+)?|--max[_-]old[_-]space[_-]size=\\d+|--stack-trace-limit=\\d+|--stack-size=\\d+|--expose[_-]gc|--throw-deprecation|--pending-deprecation|--unhandled-rejections=\\w+|--conditions=\\w+|(?:--import|--require)=${OWN})$`,
      ),
      valued: /^(?:-r|--require|--import|--test-reporter|--watch-path|--conditions|-C)$/,
      finds: /^--test$/,
    },
  ],
  [/^(?:python[\d.]*|pypy[\d.]*|graalpy)$/, { plain: /^-(?:[uBbdEIOPqsSvV]+|[WX].+)$/, valued: /^-[WX]$/ }],
  [
    /^ruby$/,
    {
      plain: new RegExp(`^(?:-(?:[cwvU]+|W|W\\d|W:[\\w-]+|I${OWN}(?::${OWN})*)|--yjit|--jit)$`),
      valued: /^-[Ir]$/,
    },
  ],
  [/^perl$/, { plain: new RegExp(`^-(?:[cwWTt]+|I${OWN})$`), valued: /^-I$/ }],
  [
    /^php$/,
    {
      plain:
        /^(?:-[lnviqC]|-d(?:memory_limit|error_reporting|display_errors|xdebug\.mode|zend\.assertions|phar\.readonly|opcache\.enable\w*|date\.timezone|max_execution_time|precision)=[\w/+-]*)$/,
    },
  ],
  [/^(?:sh|bash|zsh|dash|ksh)$/, { plain: /^(?:[-+][euxvnf]+|-[eux]*o|pipefail|errexit|nounset|xtrace)$/ }],
  [
    /^java$/,
    {
      plain: /^-(?:jar|ea|enableassertions|X(?:mx|ms|ss)\w+|D[\w.]+=[\w.:-]*)$/,
      valued: /^-{1,2}(?:cp|classpath|class-path)$/,
    },
  ],
  [/^(?:Rscript|lua|julia|elixir)$/, { plain: /^--(?:vanilla|no-save|no-restore|quiet)$/ }],
]
const MODULES =
  /^(?:pytest|unittest|venv|mypy|black|ruff|flake8|isort|pylint|coverage|compileall|build|doctest|json\.tool|py_compile|tox|nox|cProfile|sphinx|pre_commit|bandit|pyright|trace|tokenize|ast|dis|pip_audit|zipapp|pydoc|site|sysconfig|platform)$/
/** What frameworks call a session that runs what it is given. */
const READS_CODE = /^(?:tinker|shell(?:_plus)?|dbshell|repl)$/

export function readsCode(text: string): boolean {
  return READS_CODE.test(text)
}

/** Not `php -i`, which shows all variables. */
const SHOWS = /^-(?:-?version|-?help|m|v|-modules|-ini)$/

/** An interpreter that is given a file of the workspace runs what the project has, as its builds do. */
export function ranFile(name: string, args: readonly Argument[]): Effect | undefined {
  const options = INTERPRETERS.find(([names]) => names.test(name))?.[1]
  if (options === undefined) return undefined
  const texts = args.map(({ text }) => text)
  if (texts.length === 1 && /^(?:java|php)$/.test(name) && SHOWS.test(texts[0] as string)) return 'read'
  const at = fileAt(texts, options)
  const [file, second] = texts.slice(at)
  if (file === '-m' && /^(?:py|graal)/.test(name))
    return second !== undefined && MODULES.test(second) && !runsModule(texts.slice(at + 1))
      ? 'build'
      : undefined
  const finds = texts.slice(0, at).some((text) => options.finds?.test(text))
  if (file === undefined) return finds ? 'build' : undefined
  if (file.startsWith('-') || /^[/~]|\.\.|[:$`*{]/.test(file)) return undefined
  const isGrave =
    isGraveTask(baseName(file)) || texts.slice(at + 1).some((text) => isGraveTask(text) || readsCode(text))
  return isGrave ? undefined : 'build'
}

/** `python -m cProfile -m MODULE` runs another one, and `pre_commit install` has Git run it. */
function runsModule([by = '', ...others]: readonly string[]): boolean {
  if (by === 'pre_commit') return others.some((text) => /^(?:un)?install$|^init-/.test(text))
  const inner = others[others.indexOf('-m') + 1] ?? ''
  return /^(?:cProfile|trace|coverage)$/.test(by) && others.includes('-m') && !MODULES.test(inner)
}

/** Behind the options that are known. */
function fileAt(texts: readonly string[], { plain, valued }: Options): number {
  let at = 0
  while (at < texts.length) {
    const text = texts[at] as string
    if (plain.test(text)) at++
    else if (valued?.test(text) === true && isOwn(texts[at + 1] ?? '')) at += 2
    else if (/^-\w$/.test(text) && plain.test(`${text}${texts[at + 1]}`)) at += 2
    else break
  }
  return at
}

function isOwn(value: string): boolean {
  return value.split(':').every((part) => OWN_VALUE.test(part) || part === '.')
}

/** Code longer than this is not looked into. */
const LONGEST_SNIPPET = 1_000
const NAME = '[A-Za-z_]\\w*'
const DOTTED = `${NAME}(?:\\.${NAME})*`
const ALIASED = `${DOTTED}(?:\\s+as\\s+${NAME})?`
/** What a module says of itself, and Python of itself and its machine, but for variables. */
const TOLD = `(?:sys\\.(?:version(?:_info)?|executable|platform|path|prefix|byteorder|maxsize)(?:\\.split\\(\\))?(?:\\[-?\\d*:?-?\\d*\\])?|platform\\.(?:python_version|system|machine|release|platform)\\(\\)|os\\.getcwd\\(\\)|${DOTTED}\\.__(?:version|file|name|path)__)`
const QUOTED = `"[^"\\\\\\n]*"|'[^'\\\\\\n]*'`
const FORMATTED = `f"(?:[^"\\\\\\n{}]|\\{${TOLD}\\})*"|f'(?:[^'\\\\\\n{}]|\\{${TOLD}\\})*'`
const SUM = '\\d[\\d.]*(?: ?[-+*/%] ?\\d[\\d.]*){0,20}'
const PRINTED = `(?:${TOLD}|${QUOTED}|${FORMATTED}|${SUM})`
const STATEMENT = new RegExp(
  `^(?:import\\s+${ALIASED}(?:\\s*,\\s*${ALIASED})*|from\\s+${DOTTED}\\s+import\\s+${NAME}(?:\\s*,\\s*${NAME})*|print\\((?:${PRINTED}(?:\\s*,\\s*${PRINTED})*)?\\))$`,
)
/** What a package or a file of the project says, and Node of itself, but for variables. */
const REQUIRED = `require\\(['"](?:\\./)?(?!process\\b|node:|module\\b)[A-Za-z@][\\w@/-]*(?:\\.[\\w@/-]+)*['"]\\)(?:\\.(?!env\\b|_|constructor\\b)${NAME})*`
const ASKED = `(?:process\\.(?:version|versions(?:\\.\\w+)?|platform|arch|execPath|cwd\\(\\))|${REQUIRED}|${QUOTED}|${SUM})`
const EXPRESSION = new RegExp(`^${ASKED}$`)
const LOGGED = new RegExp(`^(?:console\\.log\\(${ASKED}(?:\\s*,\\s*${ASKED})*\\)|${REQUIRED})$`)
const ENDS_STATEMENT = /[;\n]/

/**
 * Code that imports what the project and its packages have, and shows what these and the interpreter say of themselves.
 * That runs no more than a test does which imports them; whatever else stands in it is not known.
 */
export function onlyShows(interpreter: string, code: string): boolean {
  if (code.length > LONGEST_SNIPPET || code.includes('__main__')) return false
  // What is imported may be of the project, and do what its name says.
  if (code.split(/[^\w]+/).some(isGraveTask)) return false
  // A quoted semicolon parts nothing, but then neither part is known.
  const parts = code.split(ENDS_STATEMENT).map((part) => part.trim())
  if (/^(?:python|pypy)[\d.]*$/.test(interpreter))
    return parts.every((part) => part === '' || STATEMENT.test(part))
  return (
    /^node(?:js)?$/.test(interpreter) &&
    parts.every((part) => part === '' || LOGGED.test(part) || (parts.length === 1 && EXPRESSION.test(part)))
  )
}

/** Files of the project that such code reads. */
export function requiredFiles(args: readonly Argument[]): Argument[] {
  return args.flatMap(({ text }) =>
    [...text.matchAll(/require\(['"](\.\/[^'"]+)/g)].map(([, file = '']) => ({
      text: file,
      isDynamic: false,
    })),
  )
}

/** An interpreter that is given such code, as a word or at its standard input. */
export function ranSnippet({ name, args, input, fed }: ShellCommand): Effect | undefined {
  const options = INTERPRETERS.find(([names]) => names.test(name))?.[1]
  if (options === undefined) return undefined
  const at = fileAt(
    args.map(({ text }) => text),
    options,
  )
  const [option, code, ...others] = args.slice(at)
  if (option === undefined || option.text === '-') {
    const isFed = code === undefined && input === undefined && fed !== undefined && !fed.isDynamic
    return isFed && onlyShows(name, fed.text) ? 'build' : undefined
  }
  const isGiven = code !== undefined && !code.isDynamic && others.length === 0 && GIVES_CODE.test(option.text)
  return isGiven && onlyShows(name, code.text) ? 'build' : undefined
}

const GIVES_CODE = /^(?:-c|-e|-p|-pe|--eval|--print)$/

/** `.venv/bin/activate`, in a folder that is called as those are in which environments are made. */
const ACTIVATES =
  /^(?![/~])(?!.*(?:\.\.|[$`*?]))(?:[^\0]*\/)?(?:[\w.-]*env[\w.-]*|\.(?:tox|nox)\/[\w.-]+|\.?(?:mini)?conda\d?)\/(?:bin|Scripts)\/activate(?:\.\w+)?$/i

/** Whether a shell is to read what a virtual environment brings, which sets variables and no more. */
export function activates([file, ...others]: readonly Argument[]): boolean {
  return file !== undefined && others.length === 0 && !file.isDynamic && ACTIVATES.test(file.text)
}
