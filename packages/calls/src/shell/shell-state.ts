import { anywhere, areSame, type Directory, joinDirectories } from './directory.js'
import { HELD, type Setting, type Variables } from './words.js'

/** What a running shell keeps from one command to the next. */
export interface ShellState {
  /** Where it may be; never empty. */
  readonly directories: readonly Directory[]
  /** Where `cd -` leads. */
  readonly previous: readonly Directory[]
  /** Of `pushd`, the last first; undefined where it is not known which. */
  readonly stack: readonly (readonly Directory[])[] | undefined
  /** All that it was in. */
  readonly seen: readonly Directory[]
  readonly variables: Variables
  /** Variables that an expansion may set, whatever else sets them. */
  readonly loose: ReadonlySet<string>
  /** Variables that every program is handed and that name a place elsewhere, and marks of those that are exported. */
  readonly exported: readonly Setting[]
}

/** What a command leaves, by its exit status; undefined where nothing is run after it. */
export interface Outcome {
  readonly succeeded: ShellState | undefined
  readonly failed: ShellState | undefined
}

export const ENDED: Outcome = { succeeded: undefined, failed: undefined }
const NONE: ReadonlySet<string> = new Set()
/** One more is not known. */
const MAXIMUM_VARIABLES = 200
/** They decide where a folder lies, and are kept in any case. */
const LEADING = new Set(['HOME', 'PWD', 'CDPATH', 'cdpath', 'SHELLOPTS'])

export function startingIn(directories: readonly Directory[], filled: readonly string[] = []): ShellState {
  const [only] = directories
  const isKnown = directories.length === 1 && only?.certainty === 'known' && /^[/~]/.test(only.path)
  const variables = new Map<string, string | undefined>(
    isKnown ? [['PWD', only.path]] : [['OLDPWD', undefined]],
  )
  for (const name of filled) if (!LEADING.has(name)) variables.set(name, undefined)
  return {
    directories,
    previous: anywhere(),
    stack: [],
    seen: directories,
    variables,
    loose: NONE,
    exported: [],
  }
}

export function staying(state: ShellState): Outcome {
  return { succeeded: state, failed: state }
}

export function withVariable(state: ShellState, name: string, text: string | undefined): ShellState {
  const value = state.loose.has(name) ? undefined : text
  const isKept = state.variables.size < MAXIMUM_VARIABLES || LEADING.has(name) || state.variables.has(name)
  if (
    !isKept ||
    (value === undefined && state.variables.has(name) && state.variables.get(name) === undefined)
  )
    return state
  return { ...state, variables: new Map(state.variables).set(name, value) }
}

/** The shell in another folder. */
export function moved(state: ShellState, directories: readonly Directory[]): ShellState {
  const [only] = directories
  const isKnown = directories.length === 1 && only?.certainty === 'known'
  const seen = joinDirectories(state.seen, directories)
  const there = { ...state, directories, previous: state.directories, seen }
  return withVariable(there, 'PWD', isKnown ? only.path : undefined)
}

/** The same of both states that a command may leave. */
export function afterwards(
  { succeeded, failed }: Outcome,
  change: (state: ShellState) => ShellState,
): Outcome {
  const first = succeeded === undefined ? undefined : change(succeeded)
  if (succeeded === failed) return { succeeded: first, failed: first }
  return { succeeded: first, failed: failed === undefined ? undefined : change(failed) }
}

/** What is known after either. */
export function joinStates(
  one: ShellState | undefined,
  other: ShellState | undefined,
): ShellState | undefined {
  if (one === undefined || one === other) return other
  if (other === undefined) return one
  const directories = joinDirectories(one.directories, other.directories)
  const previous = joinDirectories(one.previous, other.previous)
  const stack = isSameStack(one.stack, other.stack) ? one.stack : undefined
  const seen = joinDirectories(one.seen, other.seen)
  const variables = joinVariables(one.variables, other.variables)
  const loose = [...other.loose].every((name) => one.loose.has(name))
    ? one.loose
    : new Set([...one.loose, ...other.loose])
  const exported = joinExported(one.exported, other.exported)
  const isOne =
    directories === one.directories &&
    previous === one.previous &&
    stack === one.stack &&
    seen === one.seen &&
    variables === one.variables &&
    loose === one.loose &&
    exported === one.exported
  return isOne ? one : { directories, previous, stack, seen, variables, loose, exported }
}

/** There may be anything on it. */
export function unknownStack(state: ShellState): ShellState {
  return { ...state, stack: undefined, seen: joinDirectories(state.seen, anywhere()) }
}

/** Nobody knows any more what they are. */
export function loosened(state: ShellState, names: readonly string[]): ShellState {
  const added = names.filter((name) => !state.loose.has(name))
  if (added.length === 0) return state
  const loose = new Set([...state.loose, ...added])
  return added.reduce<ShellState>((all, name) => withVariable(all, name, undefined), { ...state, loose })
}

/** So few that nobody notices; of one that is exported more often each value counts. */
const MAXIMUM_EXPORTED = 50

export function joinExported(one: readonly Setting[], other: readonly Setting[]): readonly Setting[] {
  const added = other.filter(
    (each) => !one.some(({ name, value }) => name === each.name && value.text === each.value.text),
  )
  if (added.length === 0) return one
  const all = [...one, ...added]
  if (all.length <= MAXIMUM_EXPORTED) return all
  return [markOf(EXPORTS_ALL), ...all.filter((setting) => !isMark(setting)).slice(1 - MAXIMUM_EXPORTED)]
}

/** As `set -a` has it; no variable is called so. */
export const EXPORTS_ALL = '*'

/** One that is exported, whatever it is set to. */
export function markOf(name: string): Setting {
  return { name, value: { text: '', isDynamic: false } }
}

export function isMark({ value }: Setting): boolean {
  return value.text === '' && !value.isDynamic
}

function isSameStack(one: ShellState['stack'], other: ShellState['stack']): boolean {
  if (one === undefined || other === undefined) return one === other
  return (
    one.length === other.length && one.every((each, i) => areSame(each, other[i] as readonly Directory[]))
  )
}

/** Whether it is not set, or holds nothing that means something to other programs. */
function isPlain(variables: Variables, name: string): boolean {
  const value = variables.get(name)
  if (LEADING.has(name)) return false
  return value === undefined ? !variables.has(name) : value === HELD || /^[\w.,:-]*$/.test(value)
}

/** A variable that only one of them has set is not known. */
function joinVariables(one: Variables, other: Variables): Variables {
  if (one === other) return one
  let all: Map<string, string | undefined> | undefined
  for (const name of new Set([...one.keys(), ...other.keys()])) {
    const value = one.get(name)
    const isSame = value === other.get(name) && other.has(name)
    if (one.has(name) && (value === undefined || isSame)) continue
    if (value === HELD && isPlain(other, name)) continue
    all ??= new Map(one)
    all.set(name, isPlain(one, name) && isPlain(other, name) ? HELD : undefined)
  }
  return all ?? one
}
