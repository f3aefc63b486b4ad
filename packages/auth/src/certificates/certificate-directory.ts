import { chmod, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ownPath } from '../files/own-files.js'
import { codeOf, octal } from '../files/private-file.js'
import { CertificateError } from '../support/errors.js'
import { shellWord } from '../support/shell-word.js'
import {
  assertComponent,
  type CertificateFiles,
  CertificateFolder,
  clientLeaf,
  serverLeaf,
} from './certificate-folder.js'
import { readHosts } from './certificate-name.js'

export interface CertificateDirectory {
  readonly path: string
  readonly authority: CertificateFiles
  readonly server: CertificateFiles
  /** Files by component name. */
  readonly components: Readonly<Record<string, CertificateFiles>>
  /** Names of files that were made or made anew, such as `server.crt`; empty where everything could be reused. */
  readonly written: readonly string[]
}

export interface CertificateDirectoryOptions {
  /** Names and addresses of the server; localhost, 127.0.0.1 and ::1 by default. */
  readonly hosts?: readonly string[] | undefined
  /** Client identifiers that get a certificate of their own; they name its files, too. */
  readonly components?: readonly string[] | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/**
 * Makes sure that the directory at `path` holds an authority (ca.crt, ca.key), a server certificate (server.crt,
 * server.key) and one per component (<component>.crt, .key). What is there is reused; a certificate is made anew, with
 * its old key, where it ends within 30 days or lacks a host. The directory is made with mode 0700, keys with 0600;
 * every file appears whole. ca.key is needed only to issue, so it may be kept elsewhere. ca.crt may hold several
 * authorities while one follows another; the one that ca.key belongs to signs.
 * Throws `CertificateError` that names the file for what is damaged, foreign, expired or open to others, and
 * `OwnershipError` for what another user could have put there: nothing that a person put there is ever overwritten.
 */
export async function createCertificateDirectory(
  path: string,
  options: CertificateDirectoryOptions = {},
): Promise<CertificateDirectory> {
  const { hosts = ['localhost', '127.0.0.1', '::1'], components = [], now = Date.now } = options
  for (const component of components) assertComponent(component)
  readHosts(hosts)
  await makeDirectory(path)
  const folder = new CertificateFolder(path, { now })
  await folder.openAuthority()
  await folder.ensure('server', serverLeaf(hosts, now))
  for (const component of components) await folder.ensure(component, clientLeaf(component, now))
  return {
    path,
    authority: folder.files('ca'),
    server: folder.files('server'),
    components: Object.fromEntries(components.map((component) => [component, folder.files(component)])),
    written: folder.written,
  }
}

async function makeDirectory(path: string): Promise<void> {
  ownPath(dirname(resolve(path)))
  let mode: number
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 })
    // The process's umask can only take rights away; the owner needs all three.
    if (made !== undefined) await chmod(path, 0o700)
    mode = (await stat(path)).mode
  } catch (error) {
    throw new CertificateError(
      'certificate-unwritable',
      `the directory ${path} cannot be made: ${codeOf(error)}`,
      { path },
    )
  }
  // Users who may write here can replace any key, whatever the mode of its file.
  if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
    throw new CertificateError(
      'certificate-exposed',
      `the directory ${path} has mode ${octal(mode)}, so others can replace its keys; run: chmod 700 ${shellWord(path)}`,
      { path },
    )
  }
  ownPath(path, { kind: 'folder' })
}
