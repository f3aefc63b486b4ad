import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Authority, createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'

/** A folder of one broker: an authority, the server's certificate, and one of each client that asks for it. */
export class Workplace {
  readonly folder: string
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly #authority: Authority
  readonly #clients = new Map<string, Record<string, string>>()

  private constructor(folder: string, authority: Authority, server: { certPem: string; keyPem: string }) {
    this.folder = folder
    this.#authority = authority
    this.ca = this.write('ca.crt', authority.certPem)
    this.cert = this.write('server.crt', server.certPem)
    this.key = this.write('server.key', server.keyPem)
  }

  static async make(name: string): Promise<Workplace> {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    return new Workplace(mkdtempSync(join(tmpdir(), `jamey-brokers-${name}-`)), authority, server)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Its path. */
  write(name: string, text: string, mode = 0o600): string {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text, { mode })
    return this.path(name)
  }

  /** The variables that show a certificate of `commonName`. */
  async certificateOf(commonName: string): Promise<Record<string, string>> {
    const known = this.#clients.get(commonName)
    if (known !== undefined) return known
    const { certPem, keyPem } = await issueClientCertificate(this.#authority, { commonName })
    const variables = {
      MQTT_TLS_CLIENT_CERT: this.write(`clients/${commonName}.crt`, certPem),
      MQTT_TLS_CLIENT_KEY: this.write(`clients/${commonName}.key`, keyPem),
    }
    this.#clients.set(commonName, variables)
    return variables
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
