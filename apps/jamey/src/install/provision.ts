import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import {
  assertOwnFolder,
  createCertificateDirectory,
  createSigningKeyFile,
  createTokenSecretFile,
} from '@jamey/auth'
import { COMPONENTS } from '@jamey/contracts'
import { CommandFailure } from '../support/failure.js'
import { serverHostsOf } from './certificate-facts.js'
import { CLIENT_COMPONENTS, type DataDirectory, restoreDraftOf } from './data-directory.js'

export interface Provisioned {
  /** Files that were made or made anew; empty where everything was there. */
  readonly written: readonly string[]
  /** Folders that were open to others and are not any more, each as a sentence. */
  readonly repaired: readonly string[]
}

/** Client identifiers that get a certificate. */
export const CERTIFIED_CLIENTS: readonly string[] = CLIENT_COMPONENTS.map((name) => COMPONENTS[name].clientId)

/** Clients whom no token alone lets in: the parts, and the broker itself, which nobody else is to speak as. */
export const RESERVED_CLIENTS: readonly string[] = [...CERTIFIED_CLIENTS, COMPONENTS.broker.clientId]

/** Makes the folder alone, with mode 0700, so that it can be claimed before anything is put into it. */
export function makeDataDirectory(directory: DataDirectory): Provisioned {
  assertNothingToRestore(directory)
  for (const folder of [directory.path, directory.data]) makeFolder(folder)
  // Somebody else may have been quicker, in a folder that everybody may write to.
  assertOwnFolder(directory.path)
  const repaired = openFolders(directory).map(({ path, mode }) => {
    chmodSync(path, 0o700)
    return `${path} was open to others (mode ${octal(mode)}); its mode is 0700 now`
  })
  return { written: [], repaired }
}

/**
 * A restore that was killed between setting the former data aside and putting the new in its place leaves neither there.
 * A system that began empty then would look as if everything were lost.
 */
function assertNothingToRestore(directory: DataDirectory): void {
  const draft = restoreDraftOf(directory)
  if (existsSync(directory.path) || !existsSync(draft)) return
  throw new CommandFailure(`there is no ${directory.path}, and a restore into it was interrupted`, {
    code: 'restore-interrupted',
    hint: `run the same \`jamey restore\` again; what it had written is in ${draft}, which is to be removed where an empty system is wanted`,
  })
}

/**
 * Makes what is missing of the folder's secrets and keeps what is there: the authority, the server's
 * certificate for `host` and for what it was valid for before, one certificate per component and the token secret. Throws the errors of
 * `@jamey/auth`, which name the file and the way out.
 */
export async function provision(directory: DataDirectory, host: string): Promise<Provisioned> {
  return makeSecrets(directory, serverHosts(host))
}

async function makeSecrets(directory: DataDirectory, hosts: readonly string[]): Promise<Provisioned> {
  const certificates = await createCertificateDirectory(directory.certificates, {
    hosts: [...new Set([...hosts, ...serverHostsOf(directory)])],
    components: CERTIFIED_CLIENTS,
  })
  const { isNew } = await createTokenSecretFile(directory.secret)
  const receiptKey = await createSigningKeyFile(directory.receiptKey)
  const made = [...(isNew ? ['token-secret'] : []), ...(receiptKey.isNew ? ['receipt-key.pem'] : [])]
  return { written: [...certificates.written, ...made], repaired: [] }
}

/** Folders others may enter. On Windows the access lists of the user's folder decide instead. */
export function openFolders(directory: DataDirectory): { path: string; mode: number }[] {
  if (process.platform === 'win32') return []
  return [directory.path, directory.data, directory.certificates].flatMap((path) => {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode
    return mode === undefined || (mode & 0o077) === 0 ? [] : [{ path, mode: mode & 0o777 }]
  })
}

/**
 * A certificate and key for one more client of this system, or made anew where it ends within 30 days. Throws the
 * errors of `@jamey/auth`, also for a name that cannot be a file's.
 */
export async function issueClient(directory: DataDirectory, clientId: string): Promise<Provisioned> {
  const hosts = serverHostsOf(directory)
  const { written } = await createCertificateDirectory(directory.certificates, {
    ...(hosts.length > 0 ? { hosts } : {}),
    components: [clientId],
  })
  return { written, repaired: [] }
}

/**
 * A server certificate for further hosts; what it is valid for already stays, and so does its key. Whatever else a
 * start would make is made, too, so that this is the first step of a system that never runs in one process.
 */
export async function issueServer(directory: DataDirectory, hosts: readonly string[]): Promise<Provisioned> {
  const { repaired } = makeDataDirectory(directory)
  return { ...(await makeSecrets(directory, [...serverHosts('127.0.0.1'), ...hosts])), repaired }
}

/** The names a client may use for this host. */
export function serverHosts(host: string): string[] {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  return [...new Set(['localhost', '127.0.0.1', '::1', ...(isEverywhere ? externalAddresses() : [host])])]
}

function externalAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address)
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CommandFailure(`cannot create the folder ${path}: ${(error as Error).message}`, {
      code: 'data-directory-unwritable',
      hint: 'choose another one with --data-dir',
      cause: error,
    })
  }
}

export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
