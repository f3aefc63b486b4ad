import { posix } from 'node:path'

/** Where a path lies, as far as its text tells; links are not followed. */
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
}

export interface PathOptions {
  /** Absolute; where relative paths begin. */
  readonly workspace: string
  /** Absolute; what `~` stands for. Only to see that the workspace lies in it. */
  readonly home?: string | undefined
  /** Absolute; files that decide which calls are allowed, beside those that are known. */
  readonly guards?: readonly string[] | undefined
}

const SECRET =
  /(?:^|\/)(?:\.jamey|\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker\/config\.json|\.netrc|\.pgpass|\.npmrc|\.pypirc|\.git-credentials|\.password-store|\.vault-token|\.config\/(?:gcloud|gh|op)|shadow-?|gshadow|sudoers(?:\.d)?|master\.key|credentials(?:\.\w+)?|secrets?(?:\.\w+)?|id_(?:rsa|dsa|ecdsa|ed25519)\w*|[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx)|\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?|Login Data|Cookies|wallet\.dat|proc\/[^/]+\/environ)(?:\/|$)/i
/** Names that a pattern must not select: `.e*` is no other file than `.env`. */
const SECRET_NAMES = [
  '.env',
  '.env.local',
  '.npmrc',
  '.netrc',
  '.ssh',
  '.aws',
  '.gnupg',
  '.jamey',
  'id_rsa',
  'id_ed25519',
]
const CONFIGURATION =
  /(?:^|\/)(?:\.git(?:\/|$)|\.(?:bash|zsh|profile|login|inputrc|vimrc|gitconfig|gitmodules|husky|envrc)\w*|\.(?:github|circleci)\/|\.gitlab-ci\.yml$|Jenkinsfile$|\.vscode\/(?:tasks|settings|launch)\.json$|\.claude\/|\.cursor\/|\.mcp\.json$|crontab$|authorized_keys$|\.npmrc$|\.yarnrc)/
const GUARD =
  /(?:^|\/)(?:\.jamey(?:\/|$)|[\w.-]*jamey[\w.-]*\.ya?ml$|\.mcp\.json$|\.claude\.json$|\.claude\/(?:settings[\w.]*\.json$|hooks(?:\/|$)|agents(?:\/|$)|commands(?:\/|$)|skills(?:\/|$))|managed-settings\.json$|\.cursor\/(?:hooks\.json$|mcp\.json$|cli\.json$|rules(?:\/|$))|\.codex\/|\.gemini\/|\.vscode\/mcp\.json$|systemd\/[^/]*\/[^/]*jamey)/i
const DEVICE = /^\/(?:dev|proc|sys)(?:\/|$)/
const HARMLESS_DEVICE = /^\/dev\/(?:null|zero|stdin|stdout|stderr|tty|random|urandom|fd\/\d+)$/
const TEMPORARY = /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\/private\/tmp)(?:\/|$)/

/** `isDynamic`: variables or substitutions stand in it, so that it may lie anywhere. */
export function pathFact(text: string, options: PathOptions, isDynamic = false): PathFact {
  const path = normalised(text, options)
  return {
    text,
    path,
    place: isDynamic ? 'unknown' : placeOf(path, options),
    isSecret: SECRET.test(path) || selectsSecret(path),
    isConfiguration: CONFIGURATION.test(path),
    isGuard: GUARD.test(path) || options.guards?.includes(path) === true,
  }
}

/** A part that is a pattern, and no more than a star, which leaves out hidden files and is meant for all others. */
function selectsSecret(path: string): boolean {
  if (!/[*?[]/.test(path)) return false
  return path.split('/').some((part) => {
    if (!/[*?[]/.test(part) || /^\*+(?:\.\w+)?$/.test(part)) return false
    return SECRET_NAMES.some((name) => matchesGlob(name, part))
  })
}

/** As the shell selects names; a list of letters that is not closed is none. */
function matchesGlob(name: string, pattern: string): boolean {
  const source = pattern
    .slice(0, 200)
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
    .replace(/\[!/g, '[^')
  try {
    return new RegExp(`^(?:${source})$`, 'i').test(name)
  } catch {
    return false
  }
}

/** What builds and tests make, and make again. */
const GENERATED =
  /^(?:node_modules|dist|build|out|target|coverage|\.nyc_output|\.cache|\.next|\.nuxt|\.turbo|\.parcel-cache|\.vite|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.venv|venv|\.eggs|[^/]+\.egg-info|tmp|temp|logs|bin\/Debug|obj|package-lock\.json|pnpm-lock\.yaml|yarn\.lock|[^/]*\.(?:log|tmp|pyc|o|class|tsbuildinfo|bak|orig))(?:\/|$)/

/** Whether it would be there again after the next build: below the workspace, or temporary. */
export function isGenerated({ path, place }: PathFact, { workspace }: PathOptions): boolean {
  if (place === 'temporary') return path.split('/').length > 2
  const root = posix.resolve(workspace)
  if (place !== 'workspace' || path === root) return false
  const below = path.slice(root.length + 1).split('/')
  // In any package of the workspace, and no pattern that selects more than its own name.
  return below.some((_, i) => GENERATED.test(below.slice(i).join('/'))) && !/^[*?[]/.test(below[0] ?? '')
}

/** Whether a write there is no more than work in the workspace. */
export function isWorkable({ place, isSecret, isConfiguration, path }: PathFact): boolean {
  if (HARMLESS_DEVICE.test(path)) return true
  return (place === 'workspace' || place === 'temporary') && !isSecret && !isConfiguration
}

function normalised(text: string, { workspace, home }: PathOptions): string {
  const plain = unwrapped(text)
  if (/^~(?:\/|$)/.test(plain)) {
    const below = posix.normalize(`/${plain.slice(1)}`)
    return home === undefined ? `~${below === '/' ? '' : below}` : posix.join(home, below)
  }
  if (plain.startsWith('~')) return posix.normalize(plain)
  return posix.resolve(workspace, plain)
}

/** `file:` URLs are paths; look-alike slashes and dots are what they look like; backslashes part folders elsewhere. */
function unwrapped(text: string): string {
  let plain = text
    .normalize('NFKC')
    .replace(/[\u2044\u2215\u29F8]/g, '/')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
  if (/^file:/i.test(plain)) plain = plain.replace(/^file:(?:\/\/(?:localhost)?(?=\/))?/i, '')
  // Encoded more than once, as some decode more than once.
  for (let i = 0; i < 3 && /%(?:2e|2f|5c|7e|25)/i.test(plain); i++) {
    plain = plain.replace(/%(2e|2f|5c|7e|25)/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  return plain.replace(/\\/g, '/')
}

function placeOf(path: string, { workspace, home }: PathOptions): PathFact['place'] {
  if (DEVICE.test(path) && !TEMPORARY.test(path)) return 'device'
  const root = posix.resolve(workspace)
  if (path === root || path.startsWith(root === '/' ? '/' : `${root}/`))
    return root === '/' ? 'system' : 'workspace'
  if (TEMPORARY.test(path)) return 'temporary'
  if (path.startsWith('~') || (home !== undefined && `${path}/`.startsWith(`${home}/`))) return 'home'
  return /^\/(?:home|Users|root)(?:\/|$)/.test(path) ? 'home' : 'system'
}
