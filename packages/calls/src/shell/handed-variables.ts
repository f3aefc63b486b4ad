import type { Assignment } from 'unbash'
import { destinationsIn, settingIn } from './loading-variables.js'
import { joinExported, type ShellState } from './shell-state.js'
import { type Argument, argumentOf, type Setting, type Variables } from './words.js'

const DECLARES = /^(?:export|declare|typeset)$/

/** What is set for a command alone; what is added to what a variable was is not known. */
export function settingOf({ name, value, append, index }: Assignment, variables: Variables): Setting {
  const isKnown = value.type === 'Word' && append !== true && index === undefined
  return { name, value: isKnown ? argumentOf(value, variables) : { text: '', isDynamic: true } }
}

/** What a command is handed. */
export function settingsOf(
  own: readonly Assignment[],
  { variables, exported }: ShellState,
): readonly Setting[] {
  return own.length === 0 ? exported : [...exported, ...own.map((one) => settingOf(one, variables))]
}

/** As a word of `export`. */
export function wordOf(assignment: Assignment, variables: Variables): Argument {
  const { value } = settingOf(assignment, variables)
  if (value.isDynamic) return { text: assignment.text, isDynamic: true }
  return { text: `${assignment.name}=${value.text}`, isDynamic: false }
}

/** The shell once programs are handed more: `export x=../y`, `x=../y; export x`. */
export function exporting(state: ShellState, command: string, args: readonly Argument[]): ShellState {
  if (!DECLARES.test(command)) return state
  if (command !== 'export' && !args.some(({ text }) => /^-\w*x/.test(text))) return state
  const settings = args.flatMap((argument): Setting | never[] => {
    const text = state.variables.get(argument.text)
    const before = text === undefined ? [] : { name: argument.text, value: { text, isDynamic: false } }
    return settingIn(argument) ?? before
  })
  return handing(state, settings)
}

/** The shell once all its programs are handed these. */
export function handing(state: ShellState, settings: readonly Setting[]): ShellState {
  const elsewhere = settings.filter((setting) => destinationsIn(setting).length > 0)
  return elsewhere.length === 0 ? state : { ...state, exported: joinExported(state.exported, elsewhere) }
}
