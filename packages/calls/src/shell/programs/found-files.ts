import type { Argument } from '../words.js'

const COMBINES = /^(?:-o|-or|,|\(|\)|-follow|-L|-D|-files0-from)$/
const ACTS = /^-(?:delete|exec|execdir|ok|okdir|fprint\w*|fls)$/
const NEGATES = /^(?:!|-not)$/
/** Names of what is made again that neither a branch nor a folder of Git itself is called by. */
const MADE =
  /^(?:node_modules|__pycache__|\.(?:pytest|mypy|ruff|parcel)[_-]cache|\.cache|\.nyc_output|\.next|\.nuxt|\.turbo|\.vite|\.tox|\.eggs|[*?\w.-]*\.(?:pyc|o|class|tsbuildinfo|egg-info|log|tmp|bak|orig))$/

/** The name that all that `find` does something with has; undefined where it may have any. */
export function selectedName(args: readonly Argument[]): string | undefined {
  if (args.some(({ text }) => COMBINES.test(text))) return undefined
  const acts = args.findIndex(({ text }) => ACTS.test(text))
  const at = args.findIndex(({ text }) => text === '-name' || text === '-iname')
  const name = args[at + 1]
  if (at < 0 || acts < at || name === undefined || name.isDynamic) return undefined
  return NEGATES.test(args[at - 1]?.text ?? '') || name.text.includes('/') ? undefined : name.text
}

const HERE: Argument = { text: '.', isDynamic: false }

/** Where `find` looks. */
export function rootsOf(args: readonly Argument[]): readonly Argument[] {
  const end = args.findIndex(({ text }) => /^[-(!,]/.test(text) && !/^-(?:[HLP]|D|O\d)$/.test(text))
  const named = args.slice(0, end < 0 ? args.length : end).filter(({ text }) => !text.startsWith('-'))
  return named.length === 0 ? [HERE] : named
}

/** What `find` deletes, as far as it is known: below its roots, by its name. */
export function deletedNames(args: readonly Argument[]): readonly Argument[] {
  const name = selectedName(args) ?? FOUND
  return rootsOf(args).map(({ text, isDynamic }) => ({ text: `${text}/${FOUND}/${name}`, isDynamic }))
}

/** Whether what stands for something that was found can be what is made again: anything, where no name is behind it. */
export function mayBeMade({ text }: Argument): boolean {
  const name = text.includes(`${FOUND}/`) ? text.slice(text.lastIndexOf('/') + 1) : FOUND
  return name === FOUND || MADE.test(name)
}

/** Stands for something that was found. */
const FOUND = '{}'
