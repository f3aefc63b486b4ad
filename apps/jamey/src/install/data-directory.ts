import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { assertOwnFolder, OwnershipError, ownPath, readOwnFile } from '@jamey/auth'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { shellWord } from '../support/shell-word.js'

export const DIRECTORY_NAME = '.jamey'
const MAXIMUM_FILE_BYTES = 1_048_576
/** The way out of every file and folder that is another user's. */
export const AS_OWNER = 'run this as the user who ran `jamey up`'

/** The components that connect as clients, each with a certificate of its own. */
export const CLIENT_COMPONENTS = ['conscience', 'memory', 'gateway'] as const
export type ClientComponent = (typeof CLIENT_COMPONENTS)[number]

/** The folder in which the parts of a system keep their data, and what is in it where nothing else is said. */
export interface DataFolder {
  readonly data: string
  readonly memoryFile: string
  /** The folder in which verdicts are recorded. */
  readonly audit: string
  readonly brokerStore: string
  /** A folder of each component's: what it published and the broker has not acknowledged. */
  readonly outboxes: string
}

export function dataFolderAt(data: string): DataFolder {
  return {
    data,
    memoryFile: join(data, 'memory.db'),
    audit: join(data, 'audit'),
    brokerStore: join(data, 'broker'),
    outboxes: join(data, 'outbox'),
  }
}

/** Paths of everything of one Jamey; `jamey up` makes it, the other commands read it. */
export interface DataDirectory extends DataFolder {
  readonly path: string
  readonly certificates: string
  readonly caCertificate: string
  readonly serverCertificate: string
  readonly serverKey: string
  /** Certificates that are revoked; absent where none is. */
  readonly revocationList: string
  readonly secret: string
  /** Key that signs receipts of the conscience. */
  readonly receiptKey: string
  /** The deny list; absent where nobody is denied. */
  readonly denied: string
  /** The clients that get tokens for a secret; absent where there are none. */
  readonly clients: string
  /** The secret that other brokers show the authorization service; absent until it runs. */
  readonly authzSecret: string
  clientCertificate(clientId: string): string
  clientKey(clientId: string): string
}

/** The folder that a restore writes, until that takes the place of the data directory. */
export function restoreDraftOf({ path }: Pick<DataDirectory, 'path'>): string {
  return `${path}.restoring`
}

export function dataDirectoryAt(path: string): DataDirectory {
  const certificates = join(path, 'certs')
  return {
    path,
    certificates,
    caCertificate: join(certificates, 'ca.crt'),
    serverCertificate: join(certificates, 'server.crt'),
    serverKey: join(certificates, 'server.key'),
    revocationList: join(certificates, 'crl.pem'),
    secret: join(path, 'token-secret'),
    receiptKey: join(path, 'receipt-key.pem'),
    denied: join(path, 'denied.json'),
    clients: join(path, 'clients.json'),
    authzSecret: join(path, 'authz-secret'),
    ...dataFolderAt(join(path, 'data')),
    clientCertificate: (clientId) => join(certificates, `${clientId}.crt`),
    clientKey: (clientId) => join(certificates, `${clientId}.key`),
  }
}

/**
 * `--data-dir`, else `.jamey` in the current folder or the nearest one above it; undefined where none is. It is believed
 * only where nobody but this user and root can have put it there: throws `OwnershipError` otherwise. Throws, too, where
 * it is closed to this user: what is in it would seem to be missing.
 */
export function findDataDirectory(cwd: string, option: string | undefined): DataDirectory | undefined {
  const found = locateDataDirectory(cwd, option)
  if (found === undefined) return undefined
  assertOwn(found, option)
  assertOpen(found)
  return found
}

/** The data directory of a folder that is to be made; those above it can have been made by somebody else. */
export function newDataDirectory(cwd: string, option: string): DataDirectory {
  const directory = dataDirectoryAt(resolve(cwd, option))
  unlessClosed(directory.path, () => {
    ownPath(dirname(directory.path))
    assertOwn(directory, option)
  })
  return directory
}

/** Throws where a link of its own name leads elsewhere, which nobody has named. */
function assertOwn({ path }: DataDirectory, option: string | undefined): void {
  const isNamed = option !== undefined && option !== DIRECTORY_NAME
  assertOwnFolder(path, isNamed ? {} : { within: dirname(path) })
}

function assertOpen({ path }: DataDirectory): void {
  unlessClosed(path, () => accessSync(path, constants.X_OK))
}

/** The outcome of a look at this path, which another user may have closed, or a folder above it. */
function unlessClosed<T>(path: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    throw new CommandFailure(`${path} is closed to this user`, {
      code: 'data-file-unreadable',
      hint: AS_OWNER,
      cause: error,
    })
  }
}

function locateDataDirectory(cwd: string, option: string | undefined): DataDirectory | undefined {
  if (option !== undefined) {
    const path = resolve(cwd, option)
    const isThere = unlessClosed(path, () => statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return isThere === true ? dataDirectoryAt(path) : undefined
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, DIRECTORY_NAME)
    if (isDirectory(path)) return dataDirectoryAt(path)
    if (dirname(folder) === folder) return undefined
  }
}

/** Words for what is missing without a folder, and for what would do instead. */
const PURPOSES = {
  connection: {
    lack: 'and MQTT_BROKER_URL is not set: there is nothing to connect to',
    exitCode: EXIT.unavailable,
    hint: 'start jamey with `jamey up`, name its folder with --data-dir, or set the MQTT_* variables',
  },
  secret: {
    lack: 'and no MQTT_JWT_SECRET: there is no secret to sign with',
    exitCode: EXIT.usage,
    hint: 'name the folder with --data-dir, set MQTT_JWT_SECRET or MQTT_JWT_SECRET_FILE, or create a folder with `jamey up`',
  },
  files: {
    lack: 'so there is no system to look at',
    exitCode: EXIT.usage,
    hint: 'name the folder with --data-dir, or create one with `jamey up`',
  },
  backup: {
    lack: 'so there is nothing to copy',
    exitCode: EXIT.usage,
    hint: 'run this in the folder of the system, or name its data with --data-dir',
  },
  clients: {
    lack: 'and JAMEY_CLIENTS_FILE is not set: there is no file of clients',
    exitCode: EXIT.usage,
    hint: 'name the file with --file, or the folder of the system with --data-dir',
  },
  denied: {
    lack: 'and JAMEY_DENIED_FILE is not set: there is no deny list',
    exitCode: EXIT.usage,
    hint: 'name the list with --file, or the folder of the system with --data-dir',
  },
  outboxes: {
    lack: 'and MQTT_OUTBOX_DIR is not set: there is no outbox to look at',
    exitCode: EXIT.usage,
    hint: 'name the folder of an outbox with --dir, or that of the system with --data-dir',
  },
} as const

/** The data directory; throws where there is none, for commands that need one. */
export function requireDataDirectory(
  cwd: string,
  option: string | undefined,
  purpose: keyof typeof PURPOSES = 'connection',
): DataDirectory {
  const found = findDataDirectory(cwd, option)
  if (found !== undefined) return found
  const where =
    option === undefined ? `no ${DIRECTORY_NAME} here or in a folder above` : `no folder ${option}`
  const { lack, exitCode, hint } = PURPOSES[purpose]
  // A folder that is named stands above the variables, so they would not have helped.
  const why = option === undefined ? `, ${lack}` : ''
  throw new CommandFailure(`${where}${why}`, { code: 'no-data-directory', exitCode, hint })
}

/** A file of the data directory; a missing one is told with the way to get it back. */
export function readDataFile(path: string): string {
  try {
    return readOwnFile(path, { maximumBytes: MAXIMUM_FILE_BYTES })
  } catch (error) {
    if (error instanceof OwnershipError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const hint = code === 'ENOENT' ? '`jamey up` creates what is missing' : AS_OWNER
    throw new CommandFailure(code === 'ENOENT' ? `${path} is missing` : `cannot read ${path}: ${message}`, {
      code: 'data-file-unreadable',
      hint,
      cause: error,
    })
  }
}

/** A path as a person in `cwd` would write it. */
export function displayPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short === '' ? '.' : short.startsWith('..') ? path : short
}

/** The option that makes another command find this directory, or nothing where it finds it by itself. */
export function dataDirectoryOption(directory: DataDirectory, cwd: string): string {
  if (locateDataDirectory(cwd, undefined)?.path === directory.path) return ''
  return ` --data-dir ${shellWord(displayPath(directory.path, cwd))}`
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}
