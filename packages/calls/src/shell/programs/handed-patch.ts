import type { ShellCommand } from '../shell-script.js'

const ONLY_LOOKS = /^--(?:check|stat|numstat|summary|dry-run|help|version)$/
/** What does not change which files are meant, or where a patch is read. */
const USUAL =
  /^(?:-|-p[01]?|[01]|--strip=[01]|-[NRstflu3v]|--(?:forward|reverse|silent|quiet|batch|force|unified|verbose|index|cached|3way|recount|unidiff-zero|ignore-whitespace|whitespace=\w+|apply))$/

/** The patch that a program applies; null where nobody can read it, undefined where it applies none. */
export function handedPatch(
  { name, args, input, fed }: ShellCommand,
  words: readonly string[],
): string | null | undefined {
  if (name !== 'patch' && words.join(' ') !== 'git apply') return undefined
  const texts = args.map(({ text }) => text)
  if (!texts.includes('--apply') && texts.some((text) => ONLY_LOOKS.test(text))) return undefined
  const own = name === 'patch' ? texts : texts.slice(1)
  const isUsual = input === undefined && own.every((text) => USUAL.test(text))
  return isUsual && fed !== undefined && !fed.isDynamic ? fed.text : null
}
