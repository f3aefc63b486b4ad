import { posix } from 'node:path'

/** Where a path lies, as far as its text tells; where links lead, `links.ts` tells. */
export interface PathFact {
  /** As it was given. */
  readonly text: string
  /** Absolute where that is known, `~` for the home folder; without `.`, `..` and doubled slashes. */
  readonly path: string
  /** `workspace`: below the folder that the agent works in. `temporary`: below /tmp and the like. */
  readonly place: 'workspace' | 'temporary' | 'home' | 'system' | 'device' | 'unknown'
  /** Keys, tokens, password files: what nobody reads for an ordinary task. */
  readonly isSecret: boolean
  /** What tools run or read as their configuration: hooks, shell profiles, `.git`, CI. */
  readonly isConfiguration: boolean
  /** What decides which calls are allowed: policies, hooks and permissions of agents, our own folder. */
  readonly isGuard: boolean
  /** The whole of a home folder, of all of them, or of what one is in. */
  readonly isHome: boolean
}

/** What would be done with a file. */
export type Access = 'read' | 'write' | 'delete'

export interface PathOptions {
  /** Absolute; where relative paths begin. */
  readonly workspace: string
  /** Absolute; what `~` stands for. Only to see that the workspace lies in it, and what it is itself. */
  readonly home?: string | undefined
  /** Absolute; files that decide which calls are allowed, beside those that are known. */
  readonly guards?: readonly string[] | undefined
}

const SECRET =
  /(?:^|\/)(?:\.jamey|\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker\/config\.json|\.netrc|\.pgpass|\.npmrc|\.pypirc|\.git-credentials|\.git\/config|\.password-store|\.vault[-_](?:token|pass\w*)|\.config\/(?:gcloud|gh|op|rclone|hub|glab-cli|doctl|anthropic|openai)|\.(?:envrc|htpasswd|Xauthority|dockercfg|boto|s3cfg|my\.cnf|mylogin\.cnf|dev\.vars|rclone\.conf|credentials(?:\.\w+)?|\w+_history)|\.(?:codex|composer|opencode)\/auth\.json|oauth_creds\.json|keyrings|Keychains|key4\.db|logins\.json|\.m2\/settings[\w-]*\.xml|\.nuget\/NuGet\.Config|etc\/ssl\/private|[^/]*\.tfstate(?:\.backup)?|service-?account[\w-]*\.json|firebase-adminsdk[\w-]*\.json|shadow-?|gshadow|sudoers(?:\.d)?|master\.key|credentials(?:\.\w+){0,3}|secrets?(?:\.\w+)?|id_(?:rsa|dsa|ecdsa|ed25519)\w*|[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx)|\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?|Login Data|Cookies|wallet\.dat|proc\/[^/]+\/environ)(?:\/|$)/i
/** Names that a pattern must not select: `.e*` is no other file than `.env`. A star is any name. */
const SECRET_NAMES = named(
  '.env .env.local .npmrc .netrc .ssh .aws .gnupg .jamey id_rsa id_ed25519 .pgpass .pypirc .git-credentials .kube .azure .docker/config.json .config/gh .config/gcloud etc/shadow etc/gshadow etc/sudoers',
)
const CONFIGURATION_NAMES = named(
  '.git .github/* .circleci/* .husky .bashrc .bash_profile .profile .zshrc .envrc .gitconfig .gitmodules .gitlab-ci.yml .vscode/tasks.json .vscode/settings.json .vscode/launch.json .claude/* .cursor/* .npmrc .yarnrc.yml',
)
const GUARD_NAMES = named(
  '.jamey jamey.yaml jamey.yml .mcp.json .claude.json .claude/settings.json .claude/settings.local.json .claude/hooks .claude/agents .claude/commands .claude/skills managed-settings.json .cursor/hooks.json .cursor/mcp.json .cursor/cli.json .cursor/rules .codex/* .gemini/* .vscode/mcp.json',
)
const CONFIGURATION =
  /(?:^|\/)(?:\.git(?:\/|$)|\.(?:bash|zsh|profile|login|inputrc|vimrc|exrc|nvimrc|nvim\.lua$|dir-locals|gdbinit|lldbinit|pdbrc|gitconfig|gitmodules|husky|lefthook|envrc)\w*|\.(?:github|circleci|buildkite|gitea|forgejo|woodpecker|semaphore|teamcity|devcontainer|idea|mvn|mise)(?:\/|$)|\.(?:gitlab-ci|travis|drone|woodpecker|appveyor|pre-commit-config)\.ya?ml$|(?:azure-pipelines|bitbucket-pipelines|appveyor|cloudbuild|lefthook)\.ya?ml$|Jenkinsfile$|\.vscode\/(?:tasks|settings|launch)\.json$|\.zed\/|\.cargo\/config|\.?mise\.toml$|\.pnpmfile\.[cm]?js$|\.mcp\.json$|crontab$|authorized_keys$|\.npmrc$|\.yarnrc)/i
/** What an agent goes by: its settings, and what it is told at the beginning of each session. */
const OF_AGENTS =
  /(?:^|\/)(?:\.(?:claude|claude-plugin|cursor|codex|gemini|roo|continue|opencode|amazonq|kiro|windsurf|agents?|junie|augment|trae|factory|qwen)(?:\/|$)|\.(?:cursorrules|windsurfrules|clinerules|roorules|roomodes|goosehints|aider\.conf\.yml)|(?:CLAUDE(?:\.local)?|AGENTS(?:\.override)?|GEMINI|QWEN)\.md$)/i
const GUARD =
  /(?:^|\/)(?:\.jamey(?:\/|$)|[\w.-]*jamey[\w.-]*\.ya?ml$|\.mcp\.json$|\.claude\.json$|\.claude\/(?:settings[\w.]*\.json$|hooks(?:\/|$)|agents(?:\/|$)|commands(?:\/|$)|skills(?:\/|$))|managed-settings\.json$|\.cursor\/(?:hooks\.json$|mcp\.json$|cli\.json$|rules(?:\/|$))|\.codex\/|\.gemini\/|\.vscode\/mcp\.json$|\.(?:roo|kiro|amazonq|windsurf|continue|opencode|junie|factory|qwen|trae)\/(?:[\w-]+\/)*(?:mcp|settings|hook|permission)[\w.-]*$|opencode\.jsonc?$|(?:mcp_config|cline_mcp_settings|mcp_settings|claude_desktop_config)\.json$|systemd\/[^/]*\/[^/]*jamey)/i
const DEVICE = /^\/(?:dev|proc|sys)(?:\/|$)/
const HARMLESS_DEVICE = /^\/dev\/(?:null|zero|stdin|stdout|stderr|tty|random|urandom|fd\/\d+)$/
const TEMPORARY_FOLDER = /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\/private\/tmp)$/
const TEMPORARY = /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\/private\/tmp)(?:\/|$)/
/** What a shell makes several names of. */
const PATTERN = /[*?[{]|[@!+]\(/

/**
 * `isDynamic`: variables or substitutions stand in it, so that it may lie anywhere. `from`: where a relative one begins, if
 * not in the workspace.
 */
export function pathFact(text: string, options: PathOptions, isDynamic = false, from?: string): PathFact {
  const path = normalised(text, options, from)
  const named = UNSEEN_END.test(path) ? withoutEnd(path) : path
  const pattern = patternIn(named)
  return {
    text,
    path,
    place: isDynamic ? 'unknown' : placeOf(path, options),
    isSecret: isSecretAt(named, pattern),
    isConfiguration:
      CONFIGURATION.test(named) || OF_AGENTS.test(named) || pattern?.selects(CONFIGURATION_NAMES) === true,
    isGuard:
      GUARD.test(named) || pattern?.selects(GUARD_NAMES) === true || isOwnGuard(named, pattern, options),
    isHome: isHome(path, options, isDynamic),
  }
}

/** Below it programs keep what they enter elsewhere with, each in a folder of its own. */
const SETTINGS = /^(?:~|\/root|\/(?:home|Users)\/[^/]+)\/(?:\.config|Library)(?:\/[*]+)?$/i

/** Whether secrets are among all that lies below it: a home folder, what one is in, or a person's settings. */
export function holdsSecrets({ path, place, isHome }: PathFact, { home }: PathOptions): boolean {
  if (place === 'workspace') return false
  const plain = home !== undefined && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
  return isHome || SETTINGS.test(plain)
}

/** Where machines have the folders of people. */
const HOME = /^(?:\/|~(?:[a-z_][\w.-]*)?|\/root|\/(?:home|Users)(?:\/[^/]+)?)$/i
/** A folder of whoever runs it. */
const OWN_HOME = /^\/(?:home|Users)\/\$(?:\{?(?:USER|LOGNAME)\}?|\(whoami\))$/
/** A name for all that is in a folder, or for all that has a dot before it; `{}` is whatever is found there. */
const ANYTHING = /^(?:[?.]*\*[*?.]*|\.\[[!^]\.\]\*|\{\})$/

function isHome(path: string, { home }: PathOptions, isDynamic: boolean): boolean {
  let end = path.length
  for (;;) {
    const start = path.lastIndexOf('/', end - 1)
    if (start < 0 || !ANYTHING.test(path.slice(start + 1, end))) break
    end = start
  }
  const folder = path.slice(0, end) || '/'
  if (isDynamic) return OWN_HOME.test(folder)
  return HOME.test(folder) || (home !== undefined && holds(folder, home))
}

/** What Windows leaves out of a name, or takes for the file itself. */
const UNSEEN_END = /(?:::\$\w{1,40}|[ .])$/

function withoutEnd(path: string): string {
  const name = path.replace(/::\$\w{1,40}$/, '')
  let end = name.length
  while (end > 0 && /[ .]/.test(name[end - 1] as string)) end--
  return name.slice(0, end)
}

/** What `pathFact` says of that alone. */
export function isSecretPath(text: string, options: PathOptions): boolean {
  const path = normalised(text, options)
  return isSecretAt(path, patternIn(path))
}

function isSecretAt(path: string, pattern: PathPattern | undefined): boolean {
  return SECRET.test(path) || pattern?.selects(SECRET_NAMES) === true
}

function isOwnGuard(path: string, pattern: PathPattern | undefined, { guards = [] }: PathOptions): boolean {
  return guards.includes(path) || guards.some((guard) => pattern?.isOf(guard.split('/')) === true)
}

function named(list: string): readonly (readonly string[])[] {
  return list.split(' ').map((name) => name.split('/'))
}

const NAME_PATTERN = /[*?[]|[@!+]\(/
/** No more than a star, which leaves out hidden files and is meant for all others. */
const ALL_OTHERS = /^\*+(?:\.[\w*]+)?$/

/** Undefined where it selects nothing but itself. */
function patternIn(path: string): PathPattern | undefined {
  return NAME_PATTERN.test(path) ? new PathPattern(path) : undefined
}

/** A path that the shell selects others by; each part of it is compiled once, for all the names that it is held against. */
class PathPattern {
  readonly #parts: readonly string[]
  readonly #arePatterns: readonly boolean[]
  readonly #compiled: (RegExp | null)[] = []

  constructor(path: string) {
    this.#parts = path.split('/')
    this.#arePatterns = this.#parts.map((part) => NAME_PATTERN.test(part))
  }

  /** Whether some of its parts are a pattern of such a name. */
  selects(names: readonly (readonly string[])[]): boolean {
    return this.#parts.some(
      (part, at) => !ALL_OTHERS.test(part) && names.some((name) => this.#isFrom(at, name)),
    )
  }

  /** Whether the whole of it is. */
  isOf(name: readonly string[]): boolean {
    return name.length === this.#parts.length && this.#isFrom(0, name)
  }

  #isFrom(at: number, name: readonly string[]): boolean {
    if (at + name.length > this.#parts.length) return false
    return (
      name.some((_, i) => this.#arePatterns[at + i]) &&
      name.every((one, i) => one === '*' || this.#matches(at + i, one))
    )
  }

  #matches(at: number, name: string): boolean {
    let glob = this.#compiled[at]
    if (glob === undefined) {
      glob = globOf(this.#parts[at] as string)
      this.#compiled[at] = glob
    }
    return glob?.test(name) === true
  }
}

/** As the shell selects names; null for a list of letters that is not closed, which is none. */
function globOf(pattern: string): RegExp | null {
  const source = pattern
    .slice(0, 200)
    .replace(/[@!+*?]\([^()]*\)/g, '*')
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
    .replace(/\[!/g, '[^')
  try {
    return new RegExp(`^(?:${source})$`, 'i')
  } catch {
    return null
  }
}

/** What builds and tests make, and make again. */
const GENERATED =
  /^(?:node_modules|dist|build|out|target|coverage|\.nyc_output|\.cache|\.next|\.nuxt|\.turbo|\.parcel-cache|\.vite|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.venv|venv|\.eggs|\.nox|\.hypothesis|htmlcov|\.coverage|_build|_site|\.build|\.gradle|\.dart_tool|\.svelte-kit|\.angular|\.astro|\.output|\.docusaurus|\.eslintcache|\.stylelintcache|cmake-build-\w+|builddir|bazel-(?:bin|out|testlogs)|zig-out|\.?zig-cache|[^/]+\.egg-info|tmp|temp|logs|bin\/Debug|obj|package-lock\.json|pnpm-lock\.yaml|yarn\.lock|[^/]*\.(?:log|tmp|pyc|o|class|tsbuildinfo|bak|orig))(?:\/|$)/

/** A pattern that selects nothing else. */
const ENDS_GENERATED = /^\*[\w.-]*\.(?:log|tmp|pyc|o|class|tsbuildinfo|bak|orig)$/

/** Whether its loss is none: below the workspace it would be there again after the next build, or it is temporary. */
export function isGenerated(fact: PathFact, options: PathOptions): boolean {
  const { path, place } = fact
  if (place === 'temporary') return isOwnTemporary(path, 'delete', options)
  const root = rootOf(options)
  if (place !== 'workspace' || path === root) return false
  const below = path.slice(root.length + 1).split('/')
  // In any package of the workspace, and no pattern that selects more than its own name.
  const [first = ''] = below
  const isAny = /^[*?[]/.test(first) && !ENDS_GENERATED.test(first)
  return !isAny && below.some((_, i) => GENERATED.test(below.slice(i).join('/')))
}

/** Whether a change there is no more than work in the workspace, or with temporary files. */
export function isWorkable(fact: PathFact, access: Access, options: PathOptions): boolean {
  const { place, isSecret, isConfiguration, path } = fact
  if (HARMLESS_DEVICE.test(path)) return true
  if (isSecret || isConfiguration) return false
  return place === 'workspace' || (place === 'temporary' && isOwnTemporary(path, access, options))
}

/**
 * Whether a change of this path below a temporary folder is one of temporary files. Not so where it deletes the folder, which
 * all programs of the machine share, or what a pattern selects of all that is in it; nor where the workspace itself is
 * temporary, and it deletes what is around or beside that. What is beside it in a folder that is not shared is other work,
 * which is not written either.
 */
function isOwnTemporary(path: string, access: Access, options: PathOptions): boolean {
  const root = canonical(rootOf(options))
  const parent = posix.dirname(root)
  const reached = canonical(reachOf(path))
  const isDeleted = access === 'delete'
  if (TEMPORARY_FOLDER.test(reached)) return !isDeleted && reached === canonical(path)
  if (holds(reached, root) && isDeleted) return false
  if (!TEMPORARY.test(parent) || !holds(parent, reached)) return true
  return !isDeleted && TEMPORARY_FOLDER.test(parent)
}

/** The path itself, or the folder that its first pattern selects from. */
function reachOf(path: string): string {
  const parts = path.split('/')
  const first = parts.findIndex((part) => PATTERN.test(part))
  return first < 0 ? path : parts.slice(0, first).join('/') || '/'
}

/** What macOS calls by two names. */
function canonical(path: string): string {
  return path.replace(/^\/private(?=\/tmp(?:\/|$))/, '')
}

function holds(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function normalised(text: string, options: PathOptions, from?: string): string {
  const { workspace, home } = options
  const plain = unwrapped(text)
  if (plain.startsWith('~'))
    return home === undefined || !/^~(?:\/|$)/.test(plain)
      ? inHome(plain)
      : posix.resolve(home, `.${plain.slice(1)}`)
  if (from === undefined || plain.startsWith('/')) return posix.resolve(workspace, plain)
  const folder = normalised(from, options)
  return folder.startsWith('~') ? inHome(`${folder}/${plain}`) : posix.resolve(folder, plain)
}

/** In or above a home folder that nobody knows. */
function inHome(path: string): string {
  const plain = posix.normalize(path)
  return plain.startsWith('~') ? plain.replace(/\/$/, '') : path
}

/** Nothing stands in it that may mean something else: no `%`, no backslash, no scheme, and nothing but ASCII. */
const ORDINARY = /^[ -$&-9;-[\]-~]*$/

/** `file:` URLs are paths; look-alike slashes and dots are what they look like; backslashes part folders elsewhere. */
function unwrapped(text: string): string {
  if (ORDINARY.test(text)) return text
  let plain = text
    .normalize('NFKC')
    .replace(/[\u2044\u2215\u29F8]/g, '/')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
  const isUrl = /^file:/i.test(plain)
  if (isUrl) plain = plain.replace(/^file:(?:\/\/(?:localhost)?(?=\/))?/i, '')
  // Encoded more than once, as some decode more than once: in a URL any letter may be, elsewhere what parts a path.
  const encoded = isUrl ? /%([2-7][0-9a-f])/gi : /%(2e|2f|5c|7e|25)/gi
  for (let i = 0; i < 3 && plain.search(encoded) >= 0; i++)
    plain = plain.replace(encoded, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return plain.replace(/\\/g, '/')
}

/** The last one that was asked about: of one policy it is always the same. */
let known: { readonly workspace: string; readonly root: string } | undefined

function rootOf({ workspace }: PathOptions): string {
  if (known?.workspace !== workspace) known = { workspace, root: posix.resolve(workspace) }
  return known.root
}

function placeOf(path: string, options: PathOptions): PathFact['place'] {
  if (DEVICE.test(path) && !TEMPORARY.test(path)) return 'device'
  const { home } = options
  const root = rootOf(options)
  if (path === root || path.startsWith(root === '/' ? '/' : `${root}/`))
    return root === '/' ? 'system' : 'workspace'
  if (TEMPORARY.test(path)) return 'temporary'
  if (path.startsWith('~') || (home !== undefined && `${path}/`.startsWith(`${home}/`))) return 'home'
  return /^\/(?:home|Users|root)(?:\/|$)/.test(path) ? 'home' : 'system'
}
