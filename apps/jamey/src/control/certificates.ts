import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { BrokerStatus } from '@jamey/contracts'

type HeldCertificate = BrokerStatus['certificates'][number]

/** What was read is told for so long. */
const FRESH_MS = 30_000
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/

/** The certificates of some files; those that cannot be read, or have none, are left out. */
export class HeldCertificates {
  readonly #paths: readonly string[]
  #read: { readonly atMs: number; readonly found: Promise<HeldCertificate[]> } | undefined

  constructor(paths: readonly string[]) {
    this.#paths = [...new Set(paths)]
  }

  list(): Promise<HeldCertificate[]> {
    const nowMs = performance.now()
    if (this.#read === undefined || nowMs - this.#read.atMs >= FRESH_MS) {
      const found = Promise.all(this.#paths.map(certificateAt)).then((all) => all.flat())
      this.#read = { atMs: nowMs, found }
    }
    return this.#read.found
  }
}

async function certificateAt(name: string): Promise<HeldCertificate[]> {
  try {
    const [pem] = PEM.exec(await readFile(name, 'utf8')) ?? []
    if (pem === undefined) return []
    const { subject, validTo } = new X509Certificate(pem)
    return [{ name, subject: subject.replaceAll('\n', ', '), not_after: new Date(validTo).toISOString() }]
  } catch {
    return []
  }
}
