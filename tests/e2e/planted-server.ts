import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import type { CertificateDirectory } from '@jamey/auth'

/** A server that answers nothing and keeps the tokens that clients send it. */
export class PlantedServer {
  readonly tokens: string[] = []
  connections = 0
  readonly #server: Server

  private constructor({ server }: CertificateDirectory) {
    const [cert, key] = [readFileSync(server.certPath), readFileSync(server.keyPath)]
    this.#server = createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => {
      let text = ''
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        const [token] = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/.exec(text) ?? []
        if (token === undefined) return
        this.tokens.push(token)
        socket.destroy()
      })
    })
    this.#server.on('connection', () => this.connections++)
    this.#server.on('tlsClientError', () => {})
  }

  static async start(certificates: CertificateDirectory): Promise<PlantedServer> {
    const planted = new PlantedServer(certificates)
    planted.#server.listen(0, '127.0.0.1')
    await once(planted.#server, 'listening')
    return planted
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
  }
}
