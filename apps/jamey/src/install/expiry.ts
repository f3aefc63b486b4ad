import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Renewal, readCertificates } from '@jamey/auth/authority'
import { readDataFile } from './data-directory.js'

const DAY_MS = 86_400_000
/** Days before its end at which a certificate is renewed, and the doctor warns. */
const WARNING_DAYS = 30

/** A certificate that ends soon, or has ended. */
export interface Expiring {
  readonly path: string
  readonly name: string
  readonly validTo: Date
  /** Days until it ends; below 0: it has ended. */
  readonly daysLeft: number
}

/**
 * The certificates in the files at `paths` that end within 30 days. A file that cannot be read is told by whoever needs
 * it.
 */
export function expiringIn(paths: readonly string[], now: Date): Expiring[] {
  return paths.flatMap((path) => {
    try {
      return readCertificates(readDataFile(path)).flatMap(({ subject, validTo }) => {
        const end = new Date(validTo)
        const daysLeft = Math.floor((end.getTime() - now.getTime()) / DAY_MS)
        const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll('\n', ', ')
        return daysLeft > WARNING_DAYS ? [] : [{ path, name, validTo: end, daysLeft }]
      })
    } catch {
      return []
    }
  })
}

/** The folder of a server certificate that we made, where the key of its authority lies, too. */
export function ownFolderOf(certPaths: readonly string[]): string | undefined {
  const path = certPaths.find((one) => basename(one) === 'server.crt')
  const folder = path && dirname(path)
  return folder && existsSync(`${folder}/ca.key`) && existsSync(`${folder}/ca.crt`) ? folder : undefined
}

export type Renewer = (folder: string, now: () => number) => Promise<Renewal>
