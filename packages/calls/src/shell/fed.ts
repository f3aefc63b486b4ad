import type { Redirection } from 'unbash'
import { type Argument, argumentOf, type Variables } from './words.js'

/** What stands at the standard input of a command by its redirections, of which the last one counts. */
export function fedWith(redirects: readonly Redirection[], variables: Variables): Argument | undefined {
  let fed: Argument | undefined
  for (const redirect of redirects) {
    if (redirect.type === 'HereDoc') {
      const { text } = redirect.body
      fed = { text, isDynamic: redirect.delimiter?.quoted !== true && /[$`\\]/.test(text) }
    } else if (redirect.target !== undefined) {
      const file = argumentOf(redirect.target, variables)
      if (redirect.type === 'HereString') fed = file
      else if (redirect.operator.startsWith('<') && file.text !== '/dev/null')
        fed = { ...file, isDynamic: true }
    }
  }
  return fed
}
