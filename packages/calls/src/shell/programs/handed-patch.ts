import type { ShellCommand } from '../shell-script.js'

const ONLY_LOOKS = /^--(?:check|stat|numstat|summary|dry-run|help|version)$/
/** What does not change which files are meant, or where a patch is read. */
const USUAL =
  /^(?:-|-p[01]?|[01]|--strip=[01]|-[NRstflu3vksimc]|--(?:forward|reverse|silent|quiet|batch|force|unified|verbose|index|cached|3way|recount|unidiff-zero|signoff|keep|no-gpg-sign|keep-cr|scissors|ignore-whitespace|whitespace=\w+|apply))$/

/** What goes on with, or gives up, a patch that was begun. */
const GOES_ON = /^(?:-r|--(?:abort|continue|resolved|skip|quit|retry|show-current-patch.*))$/

/** The patch that a program applies; null where nobody can read it, undefined where it applies none. */
export function handedPatch(
  { name, args, input, fed }: ShellCommand,
  words: readonly string[],
): string | null | undefined {
  if (name !== 'patch' && !/^git (?:apply|am)$/.test(words.join(' '))) return undefined
  const texts = args.map(({ text }) => text)
  if (words[1] === 'am' && texts.some((text) => GOES_ON.test(text))) return undefined
  if (!texts.includes('--apply') && texts.some((text) => ONLY_LOOKS.test(text))) return undefined
  const own = name === 'patch' ? texts : texts.slice(1)
  const isUsual = input === undefined && own.every((text) => USUAL.test(text))
  return isUsual && fed !== undefined && !fed.isDynamic ? fed.text : null
}
