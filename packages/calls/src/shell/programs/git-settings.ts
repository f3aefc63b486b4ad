import type { Argument } from '../words.js'
import type { CommandEffects } from './program.js'

/** Settings of Git that have it run nothing and lead nowhere, whatever they are set to; their names have no case. */
const HARMLESS =
  /^(?:(?:user|author|committer)\.(?:name|email|useconfigonly)|(?:color|column|advice|log|status|i18n|grep|checkout|pretty)\..+|init\.defaultbranch|safe\.directory|core\.(?:quotepath|autocrlf|safecrlf|eol|abbrev|filemode|ignorecase|longpaths|symlinks|preloadindex|untrackedcache|commentchar|whitespace|compression|precomposeunicode|trustctime|checkstat)|commit\.(?:gpgsign|verbose|cleanup|status)|(?:tag|branch)\.(?:gpgsign|sort)|pull\.(?:rebase|ff)|merge\.(?:ff|conflictstyle|renames|renamelimit|stat|log|directoryrenames)|rebase\.(?:autosquash|autostash|stat|updaterefs)|rerere\.\w+|diff\.(?:algorithm|renames|renamelimit|context|interhunkcontext|mnemonicprefix|noprefix|colormoved|colormovedws|submodule|wserrorhighlight|statgraphwidth|relative|indentheuristic|dirstat|wordregex|ignoresubmodules)|http\.(?:postbuffer|lowspeedlimit|lowspeedtime|version)|protocol\.version|fetch\.(?:prune|parallel|writecommitgraph)|(?:gc|maintenance)\.auto|(?:pack|index)\.threads|submodule\.recurse|format\.pretty)$/
/** What is run may be nothing, or what only shows a text. */
const VIEWED =
  /^(?:core\.(?:pager|editor|fsmonitor|askpass)|pager\..+|sequence\.editor|credential\.helper|diff\.external)$/
/** Where nothing lies that could be run. */
const NOWHERE = /^core\.hookspath=\/dev\/null$/i
const VIEWER = /^(?:|true|false|:|cat|more|less(?: -[A-Za-z]+)*|vim?|nano)$/

/** Options of a subcommand that have it run what they are given, or take files from elsewhere: short ones, and long ones. */
const RUNNING: ReadonlyMap<string, { readonly short?: RegExp; readonly long: string }> = new Map([
  ['rebase', { short: /^-[a-wyz]*x/, long: '--exec' }],
  ['grep', { short: /^-[iIlLnhHwvcrpqzaoEFGPW0]*O/, long: '--open-files-in-pager' }],
  ['clone', { short: /^-[lnqsv]*u/, long: '--upload-pack --template' }],
  ['init', { long: '--template' }],
  ['difftool', { short: /^-[a-wyz]*x/, long: '--extcmd' }],
  ['apply', { long: '--unsafe-paths' }],
  ['archive', { long: '--exec' }],
  ['push', { long: '--exec --receive-pack' }],
  ...'fetch pull ls-remote fetch-pack'
    .split(' ')
    .map((name): [string, { long: string }] => [name, { long: '--upload-pack --exec' }]),
])
/** Git's own options whose value is the next word. */
const VALUED = /^(?:-C|--git-dir|--work-tree|--namespace|--super-prefix|--attr-source|--exec-path)$/

/** Whether Git is told to run something, or to take its settings from elsewhere. */
export function isRunByGit(args: readonly Argument[], subcommand: string | undefined): boolean {
  const at = subcommandAt(args)
  const options = args.slice(at + 1)
  if (settingsIn(args.slice(0, at)).some(isRun)) return true
  if (subcommand === 'clone' && settingsOfClone(options).some(isRun)) return true
  const running = RUNNING.get(subcommand ?? '')
  if (running === undefined) return false
  const long = running.long.split(' ')
  return options.some(({ text }) => running.short?.test(text) === true || isLong(text, long))
}

function subcommandAt(args: readonly Argument[]): number {
  let at = 0
  while (args[at]?.text.startsWith('-') === true)
    at += VALUED.test(args[at]?.text ?? '') || /^(?:-c|--config-env)$/.test(args[at]?.text ?? '') ? 2 : 1
  return at
}

/** `-c K=V`, `-cK=V` and `--config-env=K=NAME`, whose value is not known. */
function settingsIn(args: readonly Argument[]): readonly string[] {
  return args.flatMap(({ text }, i) => {
    if (text === '-c') return args[i + 1]?.text ?? ''
    if (text === '--config-env') return `${args[i + 1]?.text.split('=')[0]}=$`
    if (text.startsWith('--config-env=')) return `${text.split('=')[1]}=$`
    return /^-c./s.test(text) ? text.slice(2) : []
  })
}

function settingsOfClone(options: readonly Argument[]): readonly string[] {
  return options.flatMap(({ text }, i) => {
    const found = /^(?:-[lnqsv]*c|--conf?i?g?(?:=|$))(.*)$/s.exec(text)
    return found === null ? [] : found[1] || (options[i + 1]?.text ?? '')
  })
}

/** Whether a setting has Git run nothing and lead nowhere, whatever it is set to. */
export function isHarmlessSetting(name: string): boolean {
  return HARMLESS.test(name.toLowerCase())
}

function isRun(setting: string): boolean {
  const end = setting.indexOf('=')
  const name = (end < 0 ? setting : setting.slice(0, end)).toLowerCase()
  if (HARMLESS.test(name) || NOWHERE.test(setting)) return false
  return end < 0 || !VIEWED.test(name) || !VIEWER.test(setting.slice(end + 1))
}

/** Git takes the beginning of a long name for it; a template that is empty is none. */
function isLong(text: string, options: readonly string[]): boolean {
  const end = text.indexOf('=')
  const name = end < 0 ? text : text.slice(0, end)
  if (name.length < 4 || !name.startsWith('--') || end === text.length - 1) return false
  return options.some((option) => option.startsWith(name))
}

/** `ann@example.org:repository`, or a URL. */
const HOST = /^[\w.-]+@[\w.-]+:|:\/\//
/** The same without a user; what may be a branch by another name elsewhere. */
const HOST_ALONE = /^[\w-]+(?:\.[\w-]+)+:(?!\\)/

/** Whether Git asks a host that it is told of by its words: those that the repository knows go by a name. */
export function isGitTold({ words, operands }: CommandEffects): boolean {
  const [first] = operands
  if (first === undefined || !/^(?:clone|fetch|pull|ls-remote|archive|remote)$/.test(words[1] ?? ''))
    return false
  return !isLocalAddress(first.text) && (HOST.test(first.text) || HOST_ALONE.test(first.text))
}

function isLocalAddress(text: string): boolean {
  return /^(?:file:|\w+:\/\/(?:localhost|127\.0\.0\.1)[:/])/.test(text)
}
