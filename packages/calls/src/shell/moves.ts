import { anywhere, type Directory, directoriesFrom, joinDirectories, strayed } from './directory.js'
import { moved, type Outcome, type ShellState, staying, unknownStack, withVariable } from './shell-state.js'
import type { Argument, Setting } from './words.js'

const OPTION = /^-[LPe@qsn]+$/

/** `cd`, `pushd` and `popd`: where the shell is then, or still, where it cannot get there. Undefined for other commands. */
export function moveOf(
  name: string,
  args: readonly Argument[],
  state: ShellState,
  variables: readonly Setting[],
): Outcome | undefined {
  if (isPhysicalFrom(name, args)) return staying(physical(state))
  const succeeded = reachedBy(name, args, state, variables)
  if (succeeded === undefined) return undefined
  return { succeeded, failed: { ...state, directories: strayed(state.directories) } }
}

function reachedBy(
  name: string,
  args: readonly Argument[],
  state: ShellState,
  variables: readonly Setting[],
): ShellState | undefined {
  if (name === 'cd' || name === 'chdir') return changed(args, state, variables)
  if (name === 'pushd') return pushed(args, state, variables)
  return name === 'popd' ? popped(args, state) : undefined
}

function changed(args: readonly Argument[], state: ShellState, variables: readonly Setting[]): ShellState {
  const operands = operandsOf(args)
  const [target] = operands
  if (target === undefined) return moved(state, directoriesFrom(state.directories, homeOf(state)))
  if (target.text === '-' && operands.length === 1) return moved(state, state.previous)
  const options = args.slice(0, args.length - operands.length).map(({ text }) => text)
  const isPhysical = options.join('').lastIndexOf('P') > options.join('').lastIndexOf('L')
  return reached(operands, isPhysical ? physical(state) : state, variables)
}

/** From here on the shell calls folders by what links lead to, and `..` leads above that. */
function physical(state: ShellState): ShellState {
  return withVariable(state, 'SHELLOPTS', 'physical')
}

/** `set -P`, `set -o physical`, and zsh's `setopt chaselinks`. */
function isPhysicalFrom(name: string, args: readonly Argument[]): boolean {
  const words = args.map(({ text }) => text).join(' ')
  if (name === 'setopt') return /chase_?(?:links|dots)/i.test(words)
  if (name !== 'set') return false
  return /^(?:-\w+ )*-\w*P/.test(words) || /-\w*o (?:physical|chase_?(?:links|dots))/i.test(words)
}

function reached(
  operands: readonly Argument[],
  state: ShellState,
  variables: readonly Setting[],
): ShellState {
  const [target] = operands as [Argument]
  // zsh has `cd OLD NEW` put one part of the path in the place of another, and `cd +1` take it from its stack.
  if (operands.length > 1 || /^[+-]\d/.test(target.text)) return moved(state, anywhere())
  const named = directoriesFrom(state.directories, target)
  const isAboveLink = state.variables.has('SHELLOPTS') && /(?:^|\/)\.\.(?:\/|$)/.test(target.text)
  const found: readonly Directory[] = isAboveLink
    ? joinDirectories(
        named,
        named.map((one) => ({ ...one, certainty: 'unknown' })),
      )
    : named
  const isSearched = ['CDPATH', 'cdpath'].some(
    (searched) => variables.some(({ name }) => name === searched) || state.variables.has(searched),
  )
  const mayBeElsewhere = isSearched && !/^(?:\/|~|\.\.?(?:\/|$))/.test(target.text)
  return moved(state, mayBeElsewhere ? joinDirectories(found, anywhere()) : found)
}

function homeOf({ variables }: ShellState): Argument {
  if (!variables.has('HOME')) return { text: '~', isDynamic: false }
  const value = variables.get('HOME')
  return { text: value ?? '$HOME', isDynamic: value === undefined }
}

function pushed(args: readonly Argument[], state: ShellState, variables: readonly Setting[]): ShellState {
  const operands = operandsOf(args)
  const [target] = operands
  const [top, ...rest] = state.stack ?? []
  // `pushd -n` changes what is on the stack alone, and `pushd +1` turns it.
  if (args.some(({ text }) => /^-\w*n/.test(text))) return unknownStack(state)
  if (target === undefined) {
    if (top === undefined) return unknownStack(moved(state, anywhere()))
    return { ...moved(state, top), stack: [state.directories, ...rest] }
  }
  if (/^[+-]/.test(target.text)) return unknownStack(moved(state, anywhere()))
  const stack = state.stack === undefined ? undefined : [state.directories, ...state.stack]
  return { ...reached(operands, state, variables), stack }
}

function popped(args: readonly Argument[], state: ShellState): ShellState {
  if (args.length === 0 && state.stack === undefined) return moved(state, state.seen)
  const [top, ...rest] = state.stack ?? []
  if (args.length > 0 || top === undefined) return unknownStack(moved(state, anywhere()))
  return { ...moved(state, top), stack: rest }
}

/** A single `-` is one. */
function operandsOf(args: readonly Argument[]): readonly Argument[] {
  let at = 0
  while (at < args.length && OPTION.test((args[at] as Argument).text)) at++
  return (args[at] as Argument | undefined)?.text === '--' ? args.slice(at + 1) : args.slice(at)
}
