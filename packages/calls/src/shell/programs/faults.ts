import { LEFT_AGAIN } from '../directory.js'
import type { ShellScript } from '../shell-script.js'

/** A path of Windows, which another shell than those that are read here takes for one. */
const OF_WINDOWS =
  /(?:^|[\s=>"'(])(?:[A-Za-z]:\\[\w.%$]|%\w+%\\|\$env:\w+\\)|(?:^|[\s=>"(])\.\.\\(?:\w|\.\.\\)|(?:^|[\s=>])\\\\[\w.-]+\\\w/i

/** What of a script nobody can follow by its text, though each of its commands can be read. */
export function faultsIn(source: string, { commands, redirects }: ShellScript): readonly string[] {
  const faults: string[] = []
  if (source.includes('\\') && OF_WINDOWS.test(source)) faults.push('a path of Windows')
  const hasClimbing = (texts: readonly { readonly text: string }[]): boolean =>
    texts.some(({ text }) => LEFT_AGAIN.test(text))
  if (
    commands.some(({ name }) => name === 'ln') &&
    (commands.some(({ args }) => hasClimbing(args)) || hasClimbing(redirects.map(({ target }) => target)))
  )
    faults.push('a path that may lead through a link of the same script')
  return faults
}
