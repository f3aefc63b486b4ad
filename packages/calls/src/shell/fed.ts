import type { Redirection } from 'unbash'
import type { Fed, ShellRedirect } from './shell-script.js'
import type { ShellState } from './shell-state.js'
import { argumentOf, targetsOf, type Variables } from './words.js'

/** A text that stands in the script for a command to read: a here-document or a here-string. */
export interface HereText {
  readonly text: string
  /** Whether it is known only when it runs. */
  readonly isDynamic: boolean
  /** Whether variables of the shell outside may stand in it still. */
  readonly hasVariables: boolean
}

export function hereTexts(redirects: readonly Redirection[], variables: Variables): readonly HereText[] {
  return redirects.flatMap((redirect): HereText[] => {
    if (redirect.type === 'HereDoc') {
      const { text } = redirect.body
      const hasVariables = redirect.delimiter?.quoted !== true
      return [{ text, isDynamic: hasVariables && /\$\{?(?:PWD|OLDPWD)/.test(text), hasVariables }]
    }
    if (redirect.type !== 'HereString' || redirect.target === undefined) return []
    return [{ ...argumentOf(redirect.target, variables), hasVariables: false }]
  })
}

/** What stands at the standard input of a command by its redirections, of which the last one counts. */
export function fedWith(redirects: readonly Redirection[], variables: Variables): Fed | undefined {
  let fed: Fed | undefined
  for (const redirect of redirects) {
    if (redirect.type === 'HereDoc') {
      const { text } = redirect.body
      const isDynamic = redirect.delimiter?.quoted !== true && /[$`\\]/.test(text)
      fed = { text, isDynamic, file: undefined }
    } else if (redirect.target !== undefined) {
      const file = argumentOf(redirect.target, variables)
      if (redirect.type === 'HereString')
        fed = { text: file.text, isDynamic: file.isDynamic, file: undefined }
      else if (redirect.operator.startsWith('<') && file.text !== '/dev/null')
        fed = { text: file.text, isDynamic: true, file }
    }
  }
  return fed
}

/** What is empty where a command that puts out nothing is redirected. */
export function emptiedBy(
  redirects: readonly Redirection[],
  { variables, directories }: ShellState,
): readonly ShellRedirect[] {
  return redirects.flatMap((redirect) =>
    redirect.type === 'HereDoc' || redirect.target === undefined || !/^>\|?$/.test(redirect.operator)
      ? []
      : targetsOf(redirect.target, variables).map((target) => ({ target, isWrite: true, directories })),
  )
}
