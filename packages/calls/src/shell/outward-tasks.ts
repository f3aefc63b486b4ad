import type { CommandEffects } from './programs/program.js'
import type { ShellCommand } from './shell-script.js'
import type { Argument } from './words.js'

/** By the program: what its words say when it installs for a person or a machine, changes a database, or tells others who one is. */
const OUTWARD: ReadonlyMap<string, RegExp> = new Map([
  ['cabal', /^(?:install|upload)\b/],
  ['stack', /^(?:install|upload|upgrade)\b/],
  [
    'dotnet',
    /^tool (?:install|update|uninstall)\b.* (?:-g|--global|--tool-path)\b|^ef database (?:update|drop)\b|^nuget push\b/,
  ],
  ['composer', /^(?:global|self-?update)\b|^config\b.* (?:-g|--global)\b/],
  ['deno', /^(?:install|uninstall)\b.* (?:-g|--global)\b|^upgrade\b/],
  ['flutter', /^(?:upgrade|downgrade|channel|config)\b/],
  ['dart', /^pub (?:global|publish|token)\b/],
  ['mix', /^(?:archive|local|escript)\.(?!build\b)\w+|^hex\.(?:publish|user|organization)/],
  ['turbo', /^(?:login|logout|link|unlink)\b/],
  ['nx', /^(?:login|logout|connect)\b/],
  ['alembic', /^(?:upgrade|downgrade|stamp)\b/],
  ['bundle', /^config\b.* --global\b/],
  ['pip', /^install\b.* (?:--user|--root|--prefix)\b/],
  ['pip3', /^install\b.* (?:--user|--root|--prefix)\b/],
])

/** Whether what is built, or installed, goes further than the project. */
export function leavesProject(command: ShellCommand, found: CommandEffects): boolean {
  const { name, args } = command
  if (installs(command, found)) return true
  return OUTWARD.get(name)?.test(args.map(({ text }) => text).join(' ')) === true
}

/** Targets that put what was built where the programs of a machine lie, by the names that tools of builds give them. */
const INSTALLS =
  /^(?:un|alt|modules_|headers_)?install(?:[/_.-](?:strip|local|exec|data|bin|libs?|headers|man|docs?|info|html|pdf|world)|_(?:sw|dev|runtime))?$/
/** Where that is put, as a makefile is told in words; a place elsewhere is asked about for itself. */
const DESTINATION = /^(?:DESTDIR|PREFIX|prefix|INSTALL_(?:PREFIX|ROOT|DIR))$/
const MAKES = /^(?:g|b)?make$/
const DESTINATION_OPTION = /^--(?:prefix|destdir)$/
/** What make would do; letters behind which a value stands are none of these. */
const ONLY_TELLS = /^-[^-CEfIjloOWx]*n|^--(?:dry-run|just-print|recon)$/

/** `make install`, `cmake --build . --target install`, `meson install`, where nothing says where to. */
function installs({ name, args, variables }: ShellCommand, { operands }: CommandEffects): boolean {
  const isMake = MAKES.test(name)
  const isInstalling =
    ((isMake || /^(?:ninja|samu)$/.test(name)) && operands.some(({ text }) => INSTALLS.test(text))) ||
    (name === 'cmake' && installsByCmake(args)) ||
    (name === 'meson' && operands[0]?.text === 'install')
  // What a makefile sets itself is not what the environment says.
  const isHanded = variables.some(({ name, value }) => name === 'DESTDIR' && value.text !== '')
  if (!isInstalling || isHanded) return false
  const end = args.findIndex(({ text }) => text === '--')
  const own = args.slice(0, end < 0 ? args.length : end)
  if (isMake && own.some(({ text }) => ONLY_TELLS.test(text))) return false
  return !args.some(({ text }, i) => {
    const at = text.indexOf('=')
    const option = at < 0 ? text : text.slice(0, at)
    const value = at < 0 ? args[i + 1]?.text : text.slice(at + 1)
    const isPlace = isMake ? at > 0 && DESTINATION.test(option) : DESTINATION_OPTION.test(option)
    return isPlace && value !== undefined && value !== ''
  })
}

/** The word behind `--build` is a folder. */
function installsByCmake(args: readonly Argument[]): boolean {
  const [mode] = args
  if (mode?.text !== '--build') return mode?.text === '--install'
  return args.slice(2).some(({ text }) => INSTALLS.test(text.replace(/^(?:--target=|-t(?=.))/, '')))
}

/** What only shows something, however it is shortened: `ip a`, `ip route get`. */
const SHOWS = /^(?:sh|sho|show|l|li|lis|list|ls|lst|g|ge|get|h|he|help|save|dump)$/
/** Of these `s` is `show`; of others it may be `set`. */
const SHOWS_FIRST = /^(?:a\w*|r\w*|m\w*|n|nei\w*|netc\w*)$/
const NETWORK_VALUED = new Set(['-n', '-netns', '-f', '-family', '-l', '-loops', '-rc', '-rcvbuf'])

/** Whether `ip` or `ifconfig` is told to change what the machine is connected by. */
export function changesNetwork(name: string, args: readonly Argument[]): boolean {
  const words = args.filter(
    ({ text }, i) => !text.startsWith('-') && !NETWORK_VALUED.has(args[i - 1]?.text ?? ''),
  )
  if (name === 'ifconfig') return words.length > 1
  if (args.some(({ text }) => /^-b(?:a|at|atc|atch)?$/.test(text))) return true
  const [object, verb] = words
  if (object === undefined || verb === undefined || /^mon?\w*$/.test(object.text)) return false
  return !SHOWS.test(verb.text) && !(verb.text === 's' && SHOWS_FIRST.test(object.text))
}
