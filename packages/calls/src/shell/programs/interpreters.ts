import type { Effect } from '../../model/call.js'
import { baseName } from '../builtins.js'
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

/** `.venv/bin/activate`, in a folder that is called as those are in which environments are made. */
const ACTIVATES =
  /^(?![/~])(?!.*(?:\.\.|[$`*?]))(?:[^\0]*\/)?(?:[\w.-]*env[\w.-]*|\.(?:tox|nox)\/[\w.-]+|\.?(?:mini)?conda\d?)\/(?:bin|Scripts)\/activate(?:\.\w+)?$/i

/** Whether a shell is to read what a virtual environment brings, which sets variables and no more. */
export function activates([file, ...others]: readonly Argument[]): boolean {
  return file !== undefined && others.length === 0 && !file.isDynamic && ACTIVATES.test(file.text)
}
