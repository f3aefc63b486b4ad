import type { Effect } from '../../model/call.js'
import type { Argument } from '../words.js'
import { mayBeOption } from '../words.js'
import { isGitTold } from './git-settings.js'
import { valuesOf } from './inner.js'
import type { CommandEffects } from './program.js'

type Further = (args: readonly Argument[], found: CommandEffects) => Effect | 'unknown' | undefined

const has = (args: readonly Argument[], pattern: RegExp): boolean =>
  args.some(({ text }) => pattern.test(text))
/** Where an option, or a word, of that form has it do this. */
const where =
  (pattern: RegExp, effect: Effect | 'unknown'): Further =>
  (args) =>
    has(args, pattern) ? effect : undefined

const ELSEWHERE = /^(?:file:)?(?:[/~]|\.\.(?:\/|$))|\/\.\.(?:\/|$)/
/** What cmake does for scripts without running or changing anything. */
const CMAKE_SHOWS =
  /^(?:echo|echo_append|capabilities|compare_files|environment|cat|sleep|true|false|\w+sum)$/
const PIP: Further = (args) =>
  valuesOf(args, '-e --editable').some(({ text }) => ELSEWHERE.test(text)) ? 'execute' : undefined
const UV: Further = (args, found) => {
  if (found.words[1] === 'pip') return PIP(args, found)
  const isElsewhere = valuesOf(args, '-p --python').some(({ text }) => ELSEWHERE.test(text))
  return isElsewhere || has(args, /^-$/) ? 'execute' : undefined
}
const DOCKER: Further = (args) => {
  const at = args.findIndex(({ text }) => !text.startsWith('-'))
  // Another machine, or settings from elsewhere.
  const own = args.slice(0, at < 0 ? args.length : at)
  return has(own, /^(?:-[Hc].*|--(?:host|context|config|tls\w*)(?:=.*)?)$/s) ? 'execute' : undefined
}
const KUBECTL: Further = (_, { words, operands }) => {
  const isShown = words[1] === 'get' || words[1] === 'describe'
  return isShown && has(operands.slice(0, 1), /^(?:.*,)?secrets?(?:[/,.].*)?$/i) ? 'admin' : undefined
}
const GO: Further = (args, { words }) => {
  if (words[1] === 'env' && has(args, /^-[wu]$/)) return 'admin'
  return has(args, /^--?(?:exec|toolexec|vettool|overlay)(?:=|$)|-ext(?:ld|ldflags)\b|-f?plugin\b/)
    ? 'execute'
    : undefined
}
/** `npm init x` runs the package `create-x`, and `npm install a/b` is a repository of somebody. */
const NPM: Further = (_, { words, operands }) => {
  const isInit = /^(?:init|create|innit)$/.test(words[1] ?? '')
  if (isInit && operands.some(({ text }) => text !== words[1] && text !== '.')) return 'execute'
  if (words[0] === 'bun' && words[1] === 'upgrade') return 'admin'
  const isInstall = /^(?:install|i|add)$/.test(words[1] ?? '')
  const isOfSomebody =
    /^(?:github|gitlab|bitbucket|gist):|^(?![@./~])[\w-]+\/[\w.-]+(?:#.*)?$|^[\w.-]+@[\w.-]+:/
  return isInstall && has(operands, isOfSomebody) ? 'outward-read' : undefined
}
/** It opens pages, and starts what is no document. */
const OPEN: Further = (args, { operands }) => {
  if (operands.some(({ text }) => text.includes('://'))) return 'outward-read'
  const isDocument = /\.(?:html?|pdf|png|jpe?g|gif|svg|webp|md|txt|csv|json)$|^\.?\/?$/i
  return args.length === operands.length && operands.every(({ text }) => isDocument.test(text))
    ? undefined
    : 'unknown'
}

/** A server of a database elsewhere is told what stands in the statement. A name without a dot is one of the same network. */
const CLIENT: Further = (args) => {
  const hosts = [
    ...valuesOf(args, '-h --host').map(({ text }) => text),
    ...args.flatMap(({ text }) => /^[a-z][a-z+]*:\/\/(?:[^@/]*@)?([^/:?]+)/.exec(text)?.[1] ?? []),
    ...args.flatMap(({ text }) => /(?:^|\s)host(?:addr)?=([^\s]+)/.exec(text)?.[1] ?? []),
  ]
  return hosts.some((host) => host.includes('.') && !NEAR.test(host)) ? 'outward-read' : undefined
}
const NEAR =
  /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|[/.])|\.(?:local|localhost|internal)$/

/** `-sSLo../x`, `-sSo ../x`, and a format of what is shown that names a file. */
const FETCH: Further = (args) => {
  const isElsewhere = args.some(({ text }, i) => {
    const joined = /^-[A-Za-z#]*[oO]([/~.].*)$/s.exec(text)?.[1]
    const value = joined ?? (/^-[A-Za-z#]+[oO]$/.test(text) ? args[i + 1]?.text : undefined)
    return value !== undefined && ELSEWHERE.test(value)
  })
  return isElsewhere || has(args, /%output\{/) || isNamed(args, PUTS) ? 'execute' : undefined
}
/** Files that a client keeps what it learns in. */
const PUTS =
  /^--(?:hsts(?:-file)?|rejected-log|warc-\w+|session|alt-svc|cookie-jar|etag-save|ssl-sessions|trace\w*|libcurl|stderr|output[\w-]*|save-\w+)$/
/** Code, and what is served, that a build is told to take. */
const LOADS =
  /^-{1,2}(?:plugins?|[\w-]*plugin-?(?:search-dir|path)?|loader|require|import|[\w-]*setup(?:-?files?)?|bootstrap|resolver|rulesdir|init-script|rcfile|parser|toolchain|processor-?path|servedir|fplugin|incl\w*-dir|include)$/i

/** Whether an option of that name has a value that lies elsewhere: `--plugin=../x`, `--plugin ../x`. */
function isNamed(args: readonly Argument[], option: RegExp): boolean {
  return args.some(({ text }, i) => {
    const end = text.indexOf('=')
    const value = end < 0 ? args[i + 1]?.text : text.slice(end + 1)
    return option.test(end < 0 ? text : text.slice(0, end)) && value !== undefined && ELSEWHERE.test(value)
  })
}

const FURTHER: ReadonlyMap<string, Further> = new Map<string, Further>([
  ...each('pip pip3', PIP),
  ['uv', UV],
  ...each('docker podman nerdctl', DOCKER),
  ...each('kubectl oc', KUBECTL),
  ['go', GO],
  ...each('npm pnpm yarn bun', NPM),
  ...each('open xdg-open', OPEN),
  ['helm', where(/^--post-re/, 'execute')],
  [
    'cmake',
    (args) => (args[0]?.text === '-E' && !CMAKE_SHOWS.test(args[1]?.text ?? '') ? 'execute' : undefined),
  ],
  // A plugin by its coordinates is fetched and run.
  ...each('mvn mvnw', where(/^exec:|^-Dexec\.|^[\w.-]+:[\w.-]+:./, 'execute')),
  ['playwright', where(/^--with-deps$/, 'admin')],
  ['cypress', where(/^--record/, 'send')],
  ...each('psql redis-cli mongosh', CLIENT),
  ...each('mysql mariadb', CLIENT),
  ...each('curl wget http https xh', FETCH),
  // Secrets of a person, and certificates that a machine trusts.
  ['dotnet', where(/^(?:user-secrets|dev-certs)$/, 'admin')],
  ['pre-commit', where(/^(?:install|uninstall|init-templatedir)$/, 'admin')],
  ['buf', where(/^push$/, 'send')],
  ['lerna', where(/^version$/, 'send')],
  ['sass', where(/:(?:[/~]|\.\.)/, 'unknown')],
  ['sbt', where(/^eval\b/, 'execute')],
  ['unzip', where(/^-[^-]*:/, 'unknown')],
  [
    'yq',
    where(
      /\bload(?:_\w+)?\s*\(|\b(?:str)?env\s*\(|\benvsubst\b|\bsystem\s*\(|^-[a-zA-Z]*s$|^--sp/,
      'unknown',
    ),
  ],
  ['history', where(/^-/, 'unknown')],
  // Whoever runs the file becomes who owns it.
  ['install', where(/^(?:-\w*m|--mode=)?(?:[24567]\d{3}|[ugoa]*[+=]\w*s\w*)$/, 'admin')],
  // What was in that folder is gone first.
  ['pytest', where(/^--ba/, 'delete')],
  ['python', where(/^--clear$/, 'delete')],
  ['python3', where(/^--clear$/, 'delete')],
  ...each('gcc g++ cc clang', where(/^-wrapper|^-Xclang$|^-pgm/, 'execute')),
  ['ghc', where(/^-pgm/, 'execute')],
  ['cp', (args, { operands }) => (isLinking(args) && has(operands, ELSEWHERE) ? 'unknown' : undefined)],
])

function each(names: string, further: Further): [string, Further][] {
  return names.split(' ').map((name) => [name, further])
}

/** `cp -s` and `cp -l` make links, through which what they lead to is written later. */
function isLinking(args: readonly Argument[]): boolean {
  return has(args, /^-[A-Za-z]*[sl]|^--(?:sy|lin)/)
}

/** Programs whose options may have them run something, though none of their words are files. */
const TELLING =
  /^(?:git|npm|pnpm|yarn|bun|npx|cargo|go|docker|podman|nerdctl|kubectl|oc|helm|terraform|tofu|gh|glab|man|openssl|rg|jq|yq|less|curl|wget|make|cmake|psql|mysql|sqlite3|open|xdg-open|code)$/
/** Those that ask others though they only read. */
const ASKING =
  /^(?:npm|pnpm|yarn|bun|helm|kubectl|oc|docker|podman|cargo|go|pip3?|uv|gh|glab|terraform|tofu|gron|glow|openssl)$/

const ADDRESS = /\b[a-z][a-z+.-]*:\/\/(?!(?:localhost|127\.0\.0\.1)(?:[:/]|$))/i

/** What single programs do by their words, which no table of options tells. */
export function furtherEffect(
  name: string,
  args: readonly Argument[],
  found: CommandEffects,
): Effect | 'unknown' | undefined {
  const further = FURTHER.get(name)?.(args, found)
  if (further !== undefined) return further
  if (name === 'git' && isGitTold(found)) return 'outward-read'
  // An option of `git add` changes no more than the index.
  const isTold = TELLING.test(name) && found.words[1] !== 'add'
  if (isTold && toldByOthers(args)) return 'execute'
  if (found.effects[0] === 'build' && isNamed(args, LOADS)) return 'execute'
  const isAsking = found.effects[0] === 'read' && ASKING.test(name)
  return isAsking && has(args, ADDRESS) ? 'outward-read' : undefined
}

/** The word behind one of these is its value in whatever program has it: a message, an author, a date, a name. */
const VALUED =
  /^(?:-[a-z]*m|--(?:message|author|date|since|until|after|before|grep|title|body|notes|arg|argjson|tag|name|namespace|selector|label|filter|build-arg))$/

/** A word that a command puts out may be an option; behind `--` it is none. */
function toldByOthers(args: readonly Argument[]): boolean {
  const end = args.findIndex(({ text }) => text === '--')
  return args
    .slice(0, end < 0 ? args.length : end)
    .some((word, i) => mayBeOption(word) && !VALUED.test(args[i - 1]?.text ?? ''))
}
