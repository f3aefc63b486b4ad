import type { Assignment } from 'unbash'
import { destinationsIn, EXPORTED, settingIn } from './loading-variables.js'
import { EXPORTS_ALL, isMark, joinExported, markOf, type ShellState } from './shell-state.js'
import { assigned } from './shell-variables.js'
import { type Argument, argumentOf, HELD, type Setting, type Variables } from './words.js'

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
  const handed = exported.length === 0 ? exported : exported.filter((setting) => !isMark(setting))
  return own.length === 0 ? handed : [...handed, ...own.map((one) => settingOf(one, variables))]
}

/** The shell once these are set, those of them that are exported for its programs, too: `export x; x=../y`. */
export function assigning(state: ShellState, own: readonly Assignment[]): ShellState {
  const after = own.reduce(assigned, state)
  // Where something is put may have been exported before the script began.
  const isExported = ({ name }: Setting): boolean =>
    EXPORTED.test(name) || state.exported.some((mark) => mark.name === name || mark.name === EXPORTS_ALL)
  return handing(after, own.map((one) => settingOf(one, state.variables)).filter(isExported))
}

/** As a word of `export`. */
export function wordOf(assignment: Assignment, variables: Variables): Argument {
  const { value } = settingOf(assignment, variables)
  if (value.isDynamic) return { text: assignment.text, isDynamic: true }
  return { text: `${assignment.name}=${value.text}`, isDynamic: false }
}

/** The shell once programs are handed more: `export x=../y`, `x=../y; export x`, `export x`, `set -a`. */
export function exporting(state: ShellState, command: string, args: readonly Argument[]): ShellState {
  const turnsOn = args.some(({ text }) => /^-\w*a|^allexport$/.test(text))
  if (command === 'set' && turnsOn) return marked(state, [EXPORTS_ALL])
  if (!DECLARES.test(command)) return state
  if (command !== 'export' && !args.some(({ text }) => /^-\w*x/.test(text))) return state
  const settings = args.flatMap((argument): Setting | never[] => {
    const text = state.variables.get(argument.text)
    const before =
      text === undefined ? [] : { name: argument.text, value: { text, isDynamic: text === HELD } }
    return settingIn(argument) ?? before
  })
  const names = args.flatMap(({ text }) => /^[A-Za-z_]\w*/.exec(text) ?? [])
  return handing(marked(state, names), settings)
}

/** Whatever these are set to later is handed, too. */
function marked(state: ShellState, names: readonly string[]): ShellState {
  const marks = names.map(markOf)
  return marks.length === 0 ? state : { ...state, exported: joinExported(state.exported, marks) }
}

/** The shell once all its programs are handed these. */
export function handing(state: ShellState, settings: readonly Setting[]): ShellState {
  const elsewhere = settings.filter((setting) => destinationsIn(setting).length > 0)
  return elsewhere.length === 0 ? state : { ...state, exported: joinExported(state.exported, elsewhere) }
}
