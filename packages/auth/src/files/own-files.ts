import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
} from 'node:fs'
import { delimiter, dirname, join, relative, resolve, sep } from 'node:path'
import { describeUser, isGroupOfOne, nameOfUser } from '../support/accounts.js'
import { OwnershipError } from '../support/errors.js'
import { shellWord } from '../support/shell-word.js'

/**
 * Files are believed only where nobody but the user of this process and root can have put them there: each folder on
 * the way, each link that is followed and the file itself belong to one of the two, and nobody else may write them. What
 * was looked at can then not become something else before it is opened, since only these two could do that.
 * Windows has neither owners nor modes of this kind; there everything is believed, as the access lists of the user's
 * folder decide.
 */
export interface OwnPathOptions {
  /** Links in this folder may not lead out of it: for files that are looked for, and not named by anybody. */
  readonly within?: string | undefined
  /**
   * `folder`: others may put nothing into it, not even where they can take nothing away (the sticky bit). `secret`: a
   * file whose mode whoever opens it looks at (`isOpenSecret`).
   */
  readonly kind?: Kind | undefined
}

type Kind = 'file' | 'folder' | 'secret'

interface Following {
  readonly within: string | undefined
  readonly asked: string
}

export interface OwnFileOptions extends Pick<OwnPathOptions, 'within'> {
  readonly maximumBytes: number
  /** Nobody else may read it either. */
  readonly isSecret?: boolean | undefined
}

/** Folders, with `:` between them, that are believed with all that is in them, whoever owns them. */
const SAFE_DIRECTORY = 'JAMEY_SAFE_DIRECTORY'
const WRITE_OF_GROUP = 0o020
const WRITE_OF_OTHERS = 0o002
const STICKY = 0o1000
/** Number of links that Linux follows. */
const MAXIMUM_LINKS = 40
/** Descriptors that the shell handed over, such as `<(command)`. */
const OWN_DESCRIPTOR = /^\/(dev\/(fd\/\d+|stdin)|proc\/self\/fd\/\d+)$/

/**
 * Where the path leads, with every link followed. What is not there is no fault: then the folders above it are what was
 * looked at. Throws `OwnershipError` that says who could have put it there, and what to do.
 */
export function ownPath(path: string, { within, kind = 'file' }: OwnPathOptions = {}): string {
  const absolute = resolve(path)
  if (isBelieved(absolute)) return absolute
  const boundary =
    within === undefined ? undefined : follow(resolve(within), 'file', { within: undefined, asked: absolute })
  return follow(absolute, kind, { within: boundary, asked: absolute })
}

/** More than any key in PEM, or for an endpoint, has. */
const MAXIMUM_KEY_BYTES = 10_000

/** The text of a file with a key, which nobody else may read. Throws as `readOwnFile` does. */
export function readKeyFile(path: string): string {
  return readOwnFile(path, { isSecret: true, maximumBytes: MAXIMUM_KEY_BYTES })
}

/** The text of such a file. Throws `OwnershipError`, or the system's error where it cannot be read. */
export function readOwnFile(path: string, options: OwnFileOptions): string {
  const { maximumBytes, isSecret = false, within } = options
  const real = ownPath(path, { within, kind: isSecret ? 'secret' : 'file' })
  const isNoLink = isBelieved(resolve(path)) || process.platform === 'win32'
  const file = openSync(real, constants.O_RDONLY | (isNoLink ? 0 : constants.O_NOFOLLOW))
  try {
    // The opened file is asked, not the path.
    const stats = fstatSync(file)
    if (!isNoLink) judge(real, stats, path, isSecret ? 'secret' : 'file')
    if (isSecret && isOpenSecret(stats)) throw exposed(path, stats)
    if (stats.size > maximumBytes) throw tooLarge(path, stats.size, maximumBytes)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/**
 * Checks a folder as `ownPath` does, with all that is in it: no link in there leads out. A folder that is missing is no
 * fault.
 */
export function assertOwnFolder(path: string, options: Pick<OwnPathOptions, 'within'> = {}): void {
  if (isBelieved(resolve(path))) return
  const folder = ownPath(path, { ...options, kind: 'folder' })
  for (const entry of entriesOf(folder)) assertOwnEntry(join(folder, entry.name), folder, path)
}

/**
 * Whether others may read or write a secret. The group may read what belongs to root and is needed by somebody else, as
 * systemd's credentials and the keys of `ssl-cert` are: root put that user into the group. Never on Windows.
 */
export function isOpenSecret({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): boolean {
  const isRoots = uid === 0 && ownUid() !== 0
  return process.platform !== 'win32' && (mode & (isRoots ? 0o037 : 0o077)) !== 0
}

function assertOwnEntry(path: string, folder: string, asked: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  // A draft of somebody who writes, gone by now.
  if (found === undefined) return
  judge(path, found, asked, 'file')
  if (found.isSymbolicLink()) follow(path, 'file', { within: folder, asked })
  if (!found.isDirectory()) return
  for (const entry of entriesOf(path)) assertOwnEntry(join(path, entry.name), folder, asked)
}

/** Empty where it cannot be looked into: then neither can whoever asks. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

/** `asked` is what somebody wanted; the fault may be in a folder above it. */
function follow(path: string, kind: Kind, { within, asked }: Following): string {
  const names = namesOf(path)
  let at: string = sep
  judge(at, lstatSync(at), asked, 'file')
  for (let links = 0; names.length > 0; ) {
    const next = join(at, names.shift() ?? '')
    const found = lstatSync(next, { throwIfNoEntry: false })
    if (found === undefined) return join(next, ...names)
    judge(next, found, asked, names.length === 0 ? kind : 'file')
    if (!found.isSymbolicLink()) {
      at = next
      continue
    }
    if (++links > MAXIMUM_LINKS)
      throw Object.assign(new Error(`ELOOP: too many links, ${path}`), { code: 'ELOOP' })
    const target = resolve(at, readlinkSync(next))
    if (within !== undefined && isIn(next, within) && !isIn(target, within)) throw leadsOut(next, target)
    names.unshift(...namesOf(target))
    at = sep
  }
  return at
}

function judge(path: string, stats: Stats, asked: string, kind: Kind): void {
  if (!isOwn(stats.uid)) throw foreign(path, stats.uid, asked)
  // Links have no modes of their own, and of a folder with the sticky bit others can take nothing away.
  if (stats.isSymbolicLink() || (kind === 'secret' && stats.isFile())) return
  if (kind !== 'folder' && stats.isDirectory() && (stats.mode & STICKY) !== 0) return
  const isOpen =
    (stats.mode & WRITE_OF_OTHERS) !== 0 ||
    ((stats.mode & WRITE_OF_GROUP) !== 0 && !isGroupOfOne(stats.gid, stats.uid))
  if (isOpen) throw openToOthers(path, stats, asked)
}

function isOwn(uid: number): boolean {
  return uid === 0 || uid === ownUid()
}

function ownUid(): number {
  return process.geteuid?.() ?? 0
}

/**
 * True for paths that need no look: Windows, those that a person vouches for, and those the process was started with.
 */
function isBelieved(path: string): boolean {
  if (process.platform === 'win32' || OWN_DESCRIPTOR.test(path)) return true
  // The variable is never read from `.env`, which may be what is not believed.
  const folders = (process.env[SAFE_DIRECTORY] ?? '').split(delimiter)
  return folders.some((folder) => folder !== '' && isIn(path, resolve(folder)))
}

function isIn(path: string, folder: string): boolean {
  const short = relative(folder, path)
  return short !== '..' && !short.startsWith(`..${sep}`)
}

function namesOf(path: string): string[] {
  return path.split(sep).filter((name) => name !== '')
}

function foreign(path: string, uid: number, asked: string): OwnershipError {
  const own = ownUid()
  const expected = own === 0 ? describeUser(0) : `${describeUser(own)} or root`
  const name = nameOfUser(uid)
  const asOwner = name === undefined ? '' : `run this as its owner (sudo -u ${name} ...), or `
  return new OwnershipError(
    'owner-foreign',
    `${notBelieved(path, asked)} belongs to ${describeUser(uid)}; expected ${expected}: ${asOwner}chown it${own === 0 ? '' : ' as root'}, ${orTrust(asked)}`,
    { path },
  )
}

function openToOthers(path: string, { mode }: Stats, asked: string): OwnershipError {
  return new OwnershipError(
    'open-to-others',
    `${notBelieved(path, asked)} has mode ${octal(mode)}, so others may write there; expected that its owner alone may: chmod go-w ${shellWord(path)} and look at what is in it, ${orTrust(asked)}`,
    { path },
  )
}

function leadsOut(path: string, target: string): OwnershipError {
  return new OwnershipError(
    'link-leads-out',
    `${path} is not believed: it is a link out of its folder, to ${target}; expected no link, or one within it: put there what it leads to, or name that where it can be named, ${orTrust(path)}`,
    { path },
  )
}

function exposed(path: string, { mode }: Stats): OwnershipError {
  return new OwnershipError(
    'secret-exposed',
    `${path} has mode ${octal(mode)}, so others may know the secret in it; expected that its owner alone can read it: chmod 600 ${shellWord(path)}, and make a new secret if others had access`,
    { path },
  )
}

function tooLarge(path: string, bytes: number, maximum: number): Error {
  return Object.assign(new Error(`EFBIG: ${path} has ${bytes} bytes, at most ${maximum} are read`), {
    code: 'EFBIG',
  })
}

/** Says which file is not believed, and names the one that was asked for where that is another. */
function notBelieved(path: string, asked: string): string {
  return path === resolve(asked) ? `${path} is not believed: it` : `${asked} is not believed: ${path}`
}

function orTrust(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false })
  const folder = found?.isDirectory() === true ? resolve(path) : dirname(resolve(path))
  return `or, where everybody who may write there may act in your name, set ${SAFE_DIRECTORY}=${shellWord(folder)}`
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
