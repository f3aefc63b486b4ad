import type { CommandEffects } from '../shell/programs/program.js'
import type { Argument } from '../shell/words.js'

/** Options whose value is written. */
const OUTPUT =
  /^-{0,2}(?:o|out|of|output|outfile|output-\w+|log-?file|dest\w*|target[\w-]*|base-?temp|junit-?xml|prefix|cache|cache-folder|target-dir|store-dir|install-\w+|userconfig|globalconfig|cover-?(?:profile|age-?directory)|backup-dir|write-batch|(?:out-?|cache-?)?dir(?:ectory)?)=$/i
/** Options whose value is read; of those that are not known nobody can say so. */
const INPUT =
  /^-{0,2}(?:[cfFerpIL]|i|in|input\w*|inkey|ca\w*|config\w*|conf|\w*rc(?:file|-?path)?|project|tsconfig|\w*ignore(?:-\w+)?|env-?file|(?:[\w-]+-)?(?:files?|from|sources?)|path|src|source\w*|include\w*|import\w*|schema|template|manifest-path|requirements?|constraints?|cert\w*|key|reference|base(?:line)?|root\w*|(?:work)?dir|cwd|plugin\w*|preset|require|loader|extends|\w*context|build-context|url|repo\w*|remote)=$/i
/** Words of a make or of a build; what they are set to is told apart by their names. */
const VARIABLE = /^(?:-[DP])?\w[\w.]*(?::\w+)?[?+:!]*=$/
/** Above, at home or in a folder of the system; other words with a slash may be patterns and pages. */
const ELSEWHERE =
  /(?:^|\/)\.\.(?:\/|$)|^(?:~|\/(?:etc|usr|var|opt|bin|sbin|lib\w*|root|home|Users|srv|mnt|media|boot|Library|Applications|System)(?:\/|$))/
/** Programs without files among their words in the tables, whose words name files and folders that they change all the same. */
const CHANGES_WHAT_IT_NAMES =
  /^(?:npm|pnpm|yarn|bun|npx|pip3?|uv|poetry|cargo|go|composer|gh|glab|terraform|tofu|docker|podman|nerdctl|deno|hatch|pdm|rye|pixi|pipenv|nix|helm dep\w*|git (?:add|stage|stash|lfs|submodule))\b/

/**
 * A file that stands in an option, or in a word where the table of the program has no files: `--output=/etc/passwd`,
 * `--output ../a`, `-o../a`, `if=/dev/sda`, `@/etc/shadow`, `git add ../a`. `taken`: what is known to be a file already.
 */
export function hiddenFile(
  text: string,
  before: string,
  taken: readonly Argument[],
  { words, effects }: CommandEffects,
): { file: Argument; access: 'read' | 'write' } | undefined {
  if (!text.includes('/') && !text.includes('~') && !text.endsWith('..')) return undefined
  const found =
    /^(.*?[=@]|-[A-Za-z](?=~|\.\.\/|\/)|)((?:~|\.{0,2}\/|[\w.@-]+\/\S*?\.\.(?:\/|$))[^\s:=@]*|\.\.)$/.exec(
      text,
    )
  if (found === null) return undefined
  const [, joined = '', path = ''] = found
  const option = joined === '' && /^-[\w-]+$/.test(before) ? `${before}=` : joined.replace(/^-\w$/, '$&=')
  const isOutput = OUTPUT.test(option)
  if (!isOutput && taken.some((file) => file.text === text)) return undefined
  const isChanged = isOutput || mayChange(option, path, words.join(' '), effects)
  return { file: { text: path, isDynamic: false }, access: isChanged ? 'write' : 'read' }
}

/** A value that may be a path: `--out=X`, `OUT=X`, `-oX`, `-BX`, or the word after an option. */
const VALUE = /^(-{0,2}[\w.:+?!-]+=|-[oBt](?=[\w.])|)([\w.@+][^\s:=]*)$/
const PUTS_THERE = /^-t=$|out|dest|dir|target|prefix/i

/** What a program that changes something, or builds, may put files in, though the name alone tells of no place elsewhere. */
export function plainOutput(
  text: string,
  before: string,
  [effect]: CommandEffects['effects'],
): string | undefined {
  if (effect !== 'write' && effect !== 'build') return undefined
  const [, joined = '', path] = VALUE.exec(text) ?? []
  const option = joined === '' && /^-[\w-]+$/.test(before) ? `${before}=` : joined.replace(/^-\w$/, '$&=')
  if (option === '' || OUTPUT.test(option)) return option === '' ? undefined : path
  return !INPUT.test(option) && (effect === 'build' || PUTS_THERE.test(option)) ? path : undefined
}

/** A word that a program which builds may take for a file or a folder: `npm test out`. */
export function plainWord(text: string, [effect]: CommandEffects['effects']): string | undefined {
  return effect === 'build' && /^[\w.@+][\w.@+/-]*$/.test(text) ? text : undefined
}

/** Whether a program that changes something, or builds, may do so there. */
function mayChange(
  option: string,
  path: string,
  words: string,
  [effect]: CommandEffects['effects'],
): boolean {
  if (effect !== 'write' && effect !== 'build') return false
  if (!ELSEWHERE.test(path) || VARIABLE.test(option)) return false
  if (words === 'ssh-keygen' && option === '-f=') return true
  if (INPUT.test(option)) return false
  return option !== '' || CHANGES_WHAT_IT_NAMES.test(words)
}
