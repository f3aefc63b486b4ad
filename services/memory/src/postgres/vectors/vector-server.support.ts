import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const CONNECTIONS = 30

/**
 * A PostgreSQL with pgvector, which Debian does not have for every version: compiled to WebAssembly, in this process, on
 * a port of loopback. All connections share one session, so advisory locks keep nobody out.
 */
export class VectorServer {
  readonly #database: PGlite
  readonly #server: PGLiteSocketServer
  readonly url: string

  private constructor(database: PGlite, server: PGLiteSocketServer) {
    this.#database = database
    this.#server = server
    this.url = `postgres://postgres:any@${server.getServerConn()}/template1?sslmode=disable`
  }

  static async start(): Promise<VectorServer> {
    const db = await PGlite.create({ extensions: { vector } })
    const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1', maxConnections: CONNECTIONS })
    await server.start()
    return new VectorServer(db, server)
  }

  /** Rows of a statement, or of the last of several. */
  async sql<Row>(text: string): Promise<Row[]> {
    const results = await this.#database.exec(text)
    return (results.at(-1)?.rows ?? []) as Row[]
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    await this.#database.close()
  }
}
