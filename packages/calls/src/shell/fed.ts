import type { Redirection } from 'unbash'
import type { Fed } from './shell-script.js'
import { argumentOf, type Variables } from './words.js'

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
