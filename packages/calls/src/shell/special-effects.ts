import type { Effect } from '../model/call.js'
import { isLoading } from './loading-variables.js'
import type { CommandEffects } from './program.js'
import type { ShellCommand } from './script.js'

/** What a project's own task is called when it does more than build and test. */
const GRAVE_TASK =
  /(?:^|[:._-])(?:deploy|publish|release|drop|destroy|delete|remove|purge|wipe|flush|nuke|teardown|uninstall|truncate|rollback|reset|eject|prune|prod|production|migrate|seed)(?:$|[:._-])/i
/** Code of awk and sed that runs programs or writes files. */
const AWK_ACTS = /\bsystem\s*\(|\bgetline\b|\bprintf?\b[^;}]*[|>]|\|\s*"|-f\b/
const SED_ACTS = /(?:^|[;{\n])\s*(?:\d+|\$|\/[^/]*\/)?\s*[eEwW](?:\s|$)|\/[gpiI\d]*[ewW][gpiI\d]*(?:\s|;|$)/
const MODULES =
  /^(?:pytest|unittest|venv|mypy|black|ruff|flake8|isort|pylint|coverage|compileall|build|doctest|json\.tool|py_compile|tox|nox|timeit|cProfile)$/
/** Whoever runs the file becomes who owns it. */
const SET_ID = /^[ugoa]*[+=][rwxXt]*s|^[24567]\d{3}$/
/** `example.org/tool@latest`, which is fetched and run. */
const REMOTE_MODULE = /^[\w-]+(?:\.[\w-]+)+\/|@/
const REMOTE = /^[\w.-]+@?[\w.-]*:(?!\\|\/\/)/

/** What a table of options does not tell; `unknown` where nobody can tell. */
export function specialEffect(
  { name, args, variables }: ShellCommand,
  { effects, operands, words }: CommandEffects,
): Effect | 'unknown' | undefined {
  if (variables.some((variable) => isLoading(variable))) return 'execute'
  const texts = args.map(({ text }) => text)
  const [effect] = effects
  if (name === 'export' || name === 'declare' || name === 'alias') {
    return texts.some((text) => name === 'alias' || isLoading(text.split('=')[0] as string))
      ? 'execute'
      : undefined
  }
  if (name === 'less' || name === 'more')
    return texts.some((text) => text.startsWith('+')) ? 'execute' : undefined
  if (/^chmod$/.test(name)) return texts.some((text) => SET_ID.test(text)) ? 'admin' : undefined
  if (/^(?:printf|read|typeset|local|readonly|mapfile|readarray|getopts|unset)$/.test(name))
    return texts.some((text) => isLoading(text.split('=')[0] as string)) ? 'execute' : undefined
  if (/^g?make$/.test(name) && readsMakefileElsewhere(texts)) return 'execute'
  if (/^[gm]?awk$/.test(name)) return texts.some((text) => AWK_ACTS.test(text)) ? 'execute' : undefined
  if (name === 'sed')
    return texts.some((text) => !text.startsWith('-') && SED_ACTS.test(text)) ? 'execute' : undefined
  if (name === 'mv') return /^\/dev\//.test(operands.at(-1)?.text ?? '') ? 'delete' : undefined
  if (name === 'rsync') return operands.some(({ text }) => REMOTE.test(text)) ? 'send' : undefined
  if (words[0] === 'git' && texts.some((text) => /^ext::/i.test(text))) return 'execute'
  if (words[0] === 'npm' && (words[1] === 'exec' || words[1] === 'x')) return 'execute'
  if (words[0] === 'go' && words[1] === 'run' && texts.some((text) => REMOTE_MODULE.test(text)))
    return 'execute'
  if (words[0] === 'git' && words[1] === 'checkout') return checksOutFile(texts) ? 'delete' : undefined
  if (effect === 'execute') return ranFile(name, texts)
  if (effect === 'build' && operands.some(({ text }) => GRAVE_TASK.test(text))) return 'execute'
  return undefined
}

/** `git checkout FILE` throws away what was changed there. */
function checksOutFile(texts: readonly string[]): boolean {
  const creates = texts.some((text) => text === '-b' || text === '--orphan')
  return !creates && texts.some((text) => /[^/]\.[a-z]\w{0,4}$/i.test(text) && !text.startsWith('-'))
}

/** An interpreter that is given a file of the workspace runs what the project has, as its builds do. */
function ranFile(name: string, texts: readonly string[]): Effect | undefined {
  if (!/^(?:node|nodejs|deno|python[\d.]*|perl|ruby|php|sh|bash|zsh|dash|ksh|java|tsx|bun)$/.test(name))
    return undefined
  const [first, second] = texts
  if (first === '-m' && /^python/.test(name))
    return second !== undefined && MODULES.test(second) ? 'build' : undefined
  if (first === undefined || first.startsWith('-') || /^[/~]|\.\.|[:$`*]/.test(first)) return undefined
  return texts.some((text) => GRAVE_TASK.test(text)) ? undefined : 'build'
}

/** A makefile that is handed in, or lies outside of the project. */
function readsMakefileElsewhere(texts: readonly string[]): boolean {
  return texts.some((text, i) => {
    const file =
      /^(?:-f|--file=|--makefile=)(.+)$/s.exec(text)?.[1] ??
      (/^(?:-f|--file|--makefile|-C|--directory)$/.test(text) ? texts[i + 1] : undefined)
    return file !== undefined && /^[-/~$`]|\.\./.test(file)
  })
}
