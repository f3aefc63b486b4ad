import type { Effect } from '../../model/call.js'
import type { Argument } from '../words.js'
import { mayBeOption } from '../words.js'
import { isGitTold } from './git-settings.js'
import { rest, valuesOf } from './inner.js'
import type { CommandEffects } from './program.js'
import { programOf } from './program-names.js'

type Further = (args: readonly Argument[], found: CommandEffects) => Effect | 'unknown' | undefined

const has = (args: readonly Argument[], pattern: RegExp): boolean =>
  args.some(({ text }) => pattern.test(text))
/** Where an option, or a word, of that form has it do this. */
const where =
  (pattern: RegExp, effect: Effect | 'unknown'): Further =>
  (args) =>
    has(args, pattern) ? effect : undefined

/** Where the first of its words has it do this. */
const first =
  (pattern: RegExp, effect: Effect): Further =>
  (_, { operands }) =>
    pattern.test(operands[0]?.text ?? '') ? effect : undefined

const ELSEWHERE = /^(?:file:)?(?:[/~]|\.\.(?:\/|$))|\/\.\.(?:\/|$)/
/** What cmake does for scripts without running or changing anything. */
const CMAKE_SHOWS =
  /^(?:echo|echo_append|capabilities|compare_files|environment|cat|sleep|true|false|\w+sum)$/
/** What is there others of the machine may have put there, and what is installed is run. */
const TEMPORARY = /^(?:file:\/*)?\/(?:private\/)?(?:var\/)?(?:tmp|dev\/shm)\//
const PIP: Further = (args, { words, operands }) => {
  const isFromThere = words.includes('install') && has(operands, TEMPORARY)
  const isOther = valuesOf(args, '-e --editable').some(({ text }) => ELSEWHERE.test(text))
  return isFromThere || isOther ? 'execute' : undefined
}
const UV: Further = (args, found) => {
  if (has(args, /^--(?:system|break)/)) return 'admin'
  // What was in that folder is gone first.
  const clears = found.words[1] === 'venv' && has(args, /^(?:--clear|-c)$/)
  if (clears && has(found.operands, /^(?!\.?venv\/?$)/)) return 'delete'
  if (found.words[1] === 'pip') return PIP(args, found)
  const isElsewhere = valuesOf(args, '-p --python').some(({ text }) => ELSEWHERE.test(text))
  return isElsewhere || has(args, /^-$/) ? 'execute' : undefined
}
const DOCKER: Further = (args, { words, operands }) => {
  const at = args.findIndex(({ text }) => !text.startsWith('-'))
  // Another machine, or settings from elsewhere.
  const own = args.slice(0, at < 0 ? args.length : at)
  // What is built goes to others, or is what others have.
  if (has(args, /^(?:-o|--output)?=?type=registry\b|^(?:.*\.)?output=type=registry\b|\bpush=true\b/))
    return 'send'
  if (words[1] === 'build' && has(operands.slice(-1), /^(?:git@|github\.com\/)/)) return 'execute'
  return has(own, /^(?:-[Hc].*|--(?:host|context|config|tls\w*)(?:=.*)?)$/s) ? 'execute' : undefined
}
/** What it is to show may be a secret, wherever that stands among its words. */
const KUBECTL: Further = (args, found) => {
  const { words, operands } = found
  if (words[1] === 'kustomize') return KUSTOMIZE(args, found)
  const isShown = words[1] === 'get' || words[1] === 'describe'
  return isShown && has(operands, /^(?:.*,)?secrets?(?:[/,.].*)?$/i) ? 'admin' : undefined
}
/** It fetches what others have, and with some options runs what that names. */
const KUSTOMIZE: Further = (args, { operands }) => {
  if (has(args, /^--(?:enable-(?:exec|alpha|helm|star)|helm-|net|mount|load-res)/)) return 'execute'
  return has(operands, /^[\w-]+(?:\.[\w-]+)+[/:]|^[\w.-]+@|^git::/) ? 'outward-read' : undefined
}
const GO: Further = (args, { words }) => {
  if (words[1] === 'env' && has(args, /^-[wu]$/)) return 'admin'
  return has(args, /^--?(?:exec|toolexec|vettool|overlay)(?:=|$)|-ext(?:ld|ldflags)\b|-f?plugin\b/)
    ? 'execute'
    : undefined
}
/** What else it runs, and files that it, or what it runs, writes. */
const GCC: Further = (args) => {
  if (has(args, /^-wrapper|^-Xclang$|^-pgm/)) return 'execute'
  const writes =
    /^-M[A-Z]*(?:[/~]|\.\.)|^-W[alp],(?:.*,)?-{1,2}(?:o|Map|out\w*|M[DFP]+|dep\S*-file)[,=](?:[/~]|\.\.)/
  return has(args, writes) ? 'unknown' : undefined
}
/** `npx -p PACKAGE COMMAND`: what the command is depends on the package. */
const NPX: Further = (args) => {
  const own = args.slice(0, args.length - rest(args, { valued: '-p --package -c --call' }).length)
  const areKnown = valuesOf(own, '-p --package').every(({ text }) => {
    const name = /^(?:@[\w.-]+\/)?([\w.-]+)(?:@[\w.^~-]+)?$/.exec(text)?.[1] ?? ''
    return !text.startsWith('@') && (name === 'typescript' || programOf(name)?.effect === 'build')
  })
  return areKnown ? undefined : 'execute'
}
/** It empties the folder that it builds into. */
const VITE: Further = (args) =>
  has(args, /^--emptyOutDir$/) &&
  valuesOf(args, '--outDir').some(({ text }) => !/^(?:\.\/)?(?:dist|build|out)\b/.test(text))
    ? 'delete'
    : undefined
/** A folder outside of the project, by a name that is no path: `file:../x`. */
const BESIDE = /^(?:[\w@./-]+@)?(?:file|link|portal|workspace):(?:\/|~|(?:.*\/)?\.\.(?:\/|$))/
/** `npm init x` runs the package `create-x`, and `npm install a/b` is a repository of somebody. */
const NPM: Further = (_, { words, operands }) => {
  const isInit = /^(?:init|create|innit)$/.test(words[1] ?? '')
  if (isInit && operands.some(({ text }) => text !== words[1] && text !== '.')) return 'execute'
  if (words[0] === 'bun' && words[1] === 'upgrade') return 'admin'
  // Its words are a script.
  if (words[0] === 'bun' && words[1] === 'exec') return 'execute'
  if (words[1] === 'config' && has(operands, /auth|token|passw/i)) return 'admin'
  const isInstall = /^(?:install|i|add)$/.test(words[1] ?? '')
  const isOfSomebody =
    /^(?:github|gitlab|bitbucket|gist):|^(?![@./~])[\w-]+\/[\w.-]+(?:#.*)?$|^[\w.-]+@[\w.-]+:/
  if (isInstall && (has(operands, TEMPORARY) || has(operands, BESIDE))) return 'execute'
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
  // An option, or a server, that a command puts out.
  if (args.some(({ text, isDynamic }) => isDynamic && /^(?:\$\(|`)/.test(text))) return 'send'
  const words = args.map(({ text }) => text.replace(/^(?:-d|--d\w*=)/, ''))
  // Only the settings of a person know which server that is.
  if (words.some((text) => /(?:^|[\s?&])service=|^--login-path/.test(text))) return 'outward-read'
  const hosts = [
    ...valuesOf(args, '-h --host').map(({ text }) => text),
    ...words.flatMap((text) => /^[a-z][a-z+]*:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^/?]+)/.exec(text)?.[1] ?? []),
  ]
  // Whoever reads the address of a server in a link sees another one.
  const beside = words.flatMap((text) => [...text.matchAll(/(?:^|[\s?&])host(?:addr)?=([^\s&]+)/g)])
  if (beside.some(([, host = '']) => host.split(',').some(isFar))) return 'send'
  return hosts.some((host) => (host.startsWith('[') ? [host] : host.split(',')).some(isFar))
    ? 'outward-read'
    : undefined
}
/** Of a host and, where one stands behind it, its port. */
function isFar(host: string): boolean {
  const isOfSix = host.startsWith('[') || /:.*:/.test(host)
  if (isOfSix) return !/^\[?(?:::1|f[cd][\da-f]{2}:.*|fe80:.*)\]?$/i.test(host)
  const name = host.replace(/:\d+$/, '')
  return name.includes('.') && !NEAR.test(name)
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
  ['pipenv', (args, found) => (has(args, /^--system$/) ? 'admin' : PIP(args, found))],
  ['rye', (_, { words }) => (words[1] === 'install' ? 'admin' : undefined)],
  ['pixi', (args, { words }) => (words[1] === 'task' && has(args, /^add$/) ? 'write' : undefined)],
  [
    'poetry',
    (_, { words, operands }) => {
      if (words[1] === 'config' && operands.length > 0) return 'admin'
      const isOther = ({ text }: Argument): boolean => ELSEWHERE.test(text) && !/^\/(?:usr|opt)\//.test(text)
      return words[2] === 'use' && operands.some(isOther) ? 'execute' : undefined
    },
  ],
  ...each('docker podman nerdctl', DOCKER),
  ...each('kubectl oc', KUBECTL),
  ['go', GO],
  ...each('npm pnpm yarn bun', NPM),
  ...each('open xdg-open', OPEN),
  ['npx', NPX],
  ['vite', VITE],
  ['helm', where(/^--post-re/, 'execute')],
  [
    'cmake',
    (args) => (args[0]?.text === '-E' && !CMAKE_SHOWS.test(args[1]?.text ?? '') ? 'execute' : undefined),
  ],
  // A plugin by its coordinates is fetched and run.
  ...each('mvn mvnw', where(/^exec:|^-Dexec\.|^[\w.-]+:[\w.-]+:./, 'execute')),
  ['playwright', where(/^(?:--with-deps|install-deps)$/, 'admin')],
  ['cypress', where(/^--record/, 'send')],
  ...each('psql redis-cli mongosh', CLIENT),
  ...each('mysql mariadb', CLIENT),
  ...each('curl wget http https xh', FETCH),
  // Secrets of a person, and certificates that a machine trusts.
  ['dotnet', where(/^(?:user-secrets|dev-certs|workload)$/, 'admin')],
  ['pre-commit', where(/^(?:install|uninstall|init-templatedir)$/, 'admin')],
  ['buf', first(/^(?:push|registry|beta|curl)$/, 'send')],
  // Sessions that run what they read, and what is kept as a secret.
  ['rails', first(/^(?:c|console|db|dbconsole|(?:credentials|secrets|encrypted):\w+)$/, 'execute')],
  ['sbt', first(/^(?:console|eval)/, 'execute')],
  ...each('swift cabal stack elm', first(/^(?:repl|ghci)$/, 'execute')),
  ['gotestsum', where(/^--(?:raw-command|post-run-command)/, 'execute')],
  ...each(
    'pdflatex xelatex lualatex latexmk',
    where(/^-{1,2}(?:shell-escape|enable-write18|e$|pdflatex=)/, 'execute'),
  ),
  ['wasm-pack', first(/^(?:login|publish)$/, 'send')],
  ['lerna', where(/^version$/, 'send')],
  ['sass', where(/:(?:[/~]|\.\.)/, 'unknown')],
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
  ['pytest', (args) => (has(args, /^--ba/) ? 'delete' : has(args, /^--pastebin/) ? 'send' : undefined)],
  ['python', where(/^--clear$/, 'delete')],
  ['python3', where(/^--clear$/, 'delete')],
  ...each('gcc g++ cc clang', GCC),
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
  /^(?:git|npm|pnpm|yarn|bun|npx|cargo|go|docker|podman|nerdctl|kubectl|oc|helm|terraform|tofu|gh|glab|pip3?|uv|poetry|pipenv|pdm|conda|deno|bazel(?:isk)?|nix|man|openssl|rg|jq|yq|less|curl|wget|make|cmake|psql|mysql|sqlite3|open|xdg-open|code)$/
/** Those that ask others though they only read. */
const ASKING =
  /^(?:npm|pnpm|yarn|bun|helm|kubectl|oc|docker|podman|cargo|go|pip3?|uv|gh|glab|terraform|tofu|gron|glow|openssl|deno|nix|conda|poetry|pdm)$/

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
  const isTold = TELLING.test(name) && !(name === 'git' && found.words[1] === 'add')
  if (isTold && toldByOthers(args)) return 'execute'
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
