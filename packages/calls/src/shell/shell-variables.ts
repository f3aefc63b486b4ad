import type { Assignment } from 'unbash'
import { type ShellState, unknownStack, withVariable } from './shell-state.js'
import { type Argument, argumentOf, HELD, isFilled } from './words.js'

/** The shell once this is set. */
export function assigned(state: ShellState, { name, value, append, index }: Assignment): ShellState {
  if (name === 'DIRSTACK') return unknownStack(state)
  const isPlain = value.type === 'Word' && append !== true && index === undefined
  const held = isPlain ? argumentOf(value, state.variables) : undefined
  return withVariable(state, name, held === undefined ? undefined : known(name, held))
}

function known(name: string, held: Argument): string | undefined {
  if (!held.isDynamic) return held.text
  return isFilled(held) || PLACES.test(name) ? undefined : HELD
}

/** Their values are folders. */
const PLACES = /^(?:HOME|PWD|OLDPWD|CDPATH|cdpath)$/

export function forgotten(state: ShellState, name: string): ShellState {
  return withVariable(state, name, undefined)
}

/** The variables that a command sets to what nobody knows: `read x`, `printf -v x`, `declare "x=$y"`. */
export function namesIn(command: string, args: readonly Argument[]): string[] {
  if (command === 'printf') return args[0]?.text === '-v' ? namesIn('read', args.slice(1, 2)) : []
  const isDeclaration = /^(?:export|declare|typeset|readonly|let)$/.test(command)
  return args.flatMap(({ text }) => {
    const [, name, value] = /^(\w+)(?:\[.*\])?\+?(=)?/.exec(text) ?? []
    return name === undefined || (isDeclaration && value === undefined) ? [] : [name]
  })
}

/** Its exported variables are known to another process; which those are is not. */
export function inChild(state: ShellState, own: readonly Assignment[]): ShellState {
  const isPassed = (name: string): boolean => name === 'PWD' || name === 'HOME'
  if (own.length === 0 && [...state.variables.keys()].every(isPassed)) return state
  const all = [...state.variables].map(([name, value]) => [name, isPassed(name) ? value : undefined] as const)
  return own.reduce(assigned, { ...state, variables: new Map(all) })
}

const MAY_TURN: ReadonlySet<string> = new Set(['declare', 'typeset', 'local', 'shopt', 'setopt', 'trap'])

/** Whether it has another variable, or another folder, be meant by a name, or runs something between any two commands. */
export function isTurning(command: string, args: readonly Argument[]): boolean {
  if (!MAY_TURN.has(command)) return false
  const texts = args.map(({ text }) => text)
  if (command === 'declare' || command === 'typeset' || command === 'local')
    return texts.some((text) => /^-[A-Za-z]*n/.test(text))
  if (/^(?:shopt|setopt|set|(?:ba|z|k)?sh)$/.test(command))
    return texts.some((text) => /cdable|auto_?cd|autopushd|auto_pushd|^(?:dot_?glob|glob_?dots)$/i.test(text))
  return command === 'trap' && texts.some((text) => /^(?:DEBUG|RETURN)$/i.test(text))
}

/** The variables that `${x:=text}` sets. */
export function loosenedBy(source: string): string[] {
  return source.includes('=')
    ? [...source.matchAll(/\$\{(\w+)(?:\[[^\]}]*\])?:?=/g)].map(([, name]) => name as string)
    : []
}
