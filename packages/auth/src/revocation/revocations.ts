import { open } from 'node:fs/promises'
import { ownPath } from '../files/own-files.js'
import { codeOf } from '../files/private-file.js'
import { CertificateError, OwnershipError } from '../support/errors.js'
import { signatureOf, WatchedFile } from '../support/watched-file.js'
import { type Denial, DenyList, readDenyListFile } from './deny-list.js'
import {
  type CertificateNumber,
  certificateNumberOf,
  type RevocationList,
  readRevocationLists,
} from './revocation-list.js'

const MAXIMUM_LIST_BYTES = 16 * 1024 * 1024

export interface RevocationFiles {
  /** A deny list, as `readDenyListFile` reads it. It may come later. */
  readonly deniedFile?: string | undefined
  /** Revocation lists of certificate authorities: CRLs in PEM or DER. */
  readonly crlFiles?: readonly string[] | undefined
  /** One more CRL file, which may come later. */
  readonly ownCrlFile?: string | undefined
  /** Authorities that may have signed the CRLs, PEM: those that vouch for client certificates. */
  readonly authorities?: readonly string[] | undefined
}

export interface RevocationsOptions extends RevocationFiles {
  /** A file has changed, and what it says now holds. */
  readonly onChange?: (() => void) | undefined
  /** A file has changed and cannot be used, so that what it said before still holds; or a list is out of date. */
  readonly onError?: ((error: Error) => void) | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/** A client that shows itself, to be asked about. */
export interface Bearer {
  readonly sub: string
  readonly jti?: string | undefined
  /** The client's certificate in DER. */
  readonly certificate?: Uint8Array | undefined
}

/** Decides who comes in no more, by a deny list and by CRLs, whose files are looked at twice a second. */
export class Revocations {
  readonly #options: RevocationsOptions
  readonly #now: () => number
  readonly #numbers = new WeakMap<Uint8Array, CertificateNumber | undefined>()
  #files: RevocationFiles = {}
  #watched: WatchedFile[] = []
  #denied = new DenyList()
  #lists: ReadonlyMap<string, readonly RevocationList[]> = new Map()

  private constructor(options: RevocationsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Reads the files. Throws `DenyListError` or `CertificateError`, which name the file. */
  static async open(options: RevocationsOptions): Promise<Revocations> {
    const revocations = new Revocations(options)
    await revocations.use(options)
    return revocations
  }

  get denials(): readonly Denial[] {
    return this.#denied.denials
  }

  /** Other files, or the same read again. Throws as `open`, and then everything is as it was. */
  async use(files: RevocationFiles): Promise<void> {
    const { deniedFile, crlFiles = [], ownCrlFile } = files
    const paths = [deniedFile, ownCrlFile, ...crlFiles].filter((path) => path !== undefined)
    const signatures = await Promise.all(paths.map(signatureOf))
    const denied = deniedFile === undefined ? new DenyList() : await readDenyListFile(deniedFile)
    const isThere = ownCrlFile !== undefined && signatures[paths.indexOf(ownCrlFile)] !== 'ENOENT'
    const listPaths = isThere ? [ownCrlFile, ...crlFiles] : crlFiles
    const lists = await Promise.all(listPaths.map((path) => this.#read(path, files)))
    this.stop()
    this.#files = files
    this.#denied = denied
    this.#lists = new Map(listPaths.map((path, i) => [path, lists[i] ?? []]))
    this.#watched = paths.map(
      (path, i) => new WatchedFile(path, signatures[i] ?? '', () => void this.#reload(path, files)),
    )
  }

  /** The reason why `bearer` may not come in, to be told to it; undefined where it may. */
  objectionTo({ sub, jti, certificate }: Bearer): string | undefined {
    const number = certificate && this.#numberOf(certificate)
    const denial = this.#denied.denialOf({ sub, jti, certificateSerial: number?.serialNumber }, this.#now())
    if (denial !== undefined) {
      const until = denial.untilMs === undefined ? '' : ` until ${new Date(denial.untilMs).toISOString()}`
      return `denied by the administrator (${denial.kind})${until}`
    }
    if (number === undefined) return undefined
    for (const lists of this.#lists.values()) {
      if (lists.some((list) => list.has(number))) return 'the client certificate is revoked'
    }
    return undefined
  }

  /** No file is looked at any more. What they said last holds. */
  stop(): void {
    for (const file of this.#watched) file.stop()
    this.#watched = []
  }

  async #reload(path: string, files: RevocationFiles): Promise<void> {
    try {
      if (path === files.deniedFile) {
        const denied = await readDenyListFile(path)
        if (files !== this.#files) return
        this.#denied = denied
      } else {
        const lists = await this.#read(path, files)
        if (files !== this.#files) return
        this.#lists = new Map([...this.#lists, [path, lists]])
      }
      this.#options.onChange?.()
    } catch (error) {
      this.#options.onError?.(error as Error)
    }
  }

  async #read(path: string, { authorities = [] }: RevocationFiles): Promise<RevocationList[]> {
    let lists: RevocationList[]
    try {
      lists = await readRevocationLists(await bytesOf(path), authorities)
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error
      throw new CertificateError(error.code, `${path}: ${error.message}`, { path, cause: error.cause })
    }
    const late = lists.find(({ nextUpdateMs = Number.POSITIVE_INFINITY }) => nextUpdateMs <= this.#now())
    // Revoked certificates stay revoked. Nobody is refused because an authority is late.
    if (late !== undefined) {
      const message = `${path} should have been replaced by ${new Date(late.nextUpdateMs ?? 0).toISOString()}; what was revoked since then is not in it`
      this.#options.onError?.(new CertificateError('certificate-expired', message, { path }))
    }
    return lists
  }

  #numberOf(certificate: Uint8Array): CertificateNumber | undefined {
    if (this.#numbers.has(certificate)) return this.#numbers.get(certificate)
    let number: CertificateNumber | undefined
    try {
      number = certificateNumberOf(certificate)
    } catch {
      // OpenSSL has read it, so there is a number, and another reader found none: it is in no list.
    }
    this.#numbers.set(certificate, number)
    return number
  }
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    const file = await open(ownPath(path), 'r')
    try {
      const { size } = await file.stat()
      if (size <= MAXIMUM_LIST_BYTES) return await file.readFile()
      throw new CertificateError(
        'certificate-unwritable',
        `it has ${size} bytes, more than ${MAXIMUM_LIST_BYTES}`,
      )
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof CertificateError || error instanceof OwnershipError) throw error
    throw new CertificateError(
      'certificate-unwritable',
      `the revocation list cannot be read: ${codeOf(error)}`,
    )
  }
}
