import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

interface Waiting {
  readonly resolve: (status: number) => void
  readonly reject: (error: Error) => void
}

/**
 * One kept-alive connection that posts JSON, one call after another, and reads of an answer its status and length alone:
 * whoever measures a server must not be what is measured.
 */
export class HttpCaller {
  readonly #socket: Socket
  readonly #host: string
  #received = ''
  #waiting: Waiting | undefined

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#take(bytes.toString('latin1')))
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('the server has closed the connection')))
  }

  static async connect(port: number): Promise<HttpCaller> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new HttpCaller(socket, `127.0.0.1:${port}`)
  }

  /** Resolves once the whole answer is here; rejects where it is no success. */
  async post(path: string, body: object): Promise<void> {
    const json = Buffer.from(JSON.stringify(body))
    const head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n`
    const status = await new Promise<number>((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), json]))
    })
    if (status < 200 || status > 299) throw new Error(`${path}: HTTP ${status}`)
  }

  /** False once the server has closed it, as it does with one that was idle for long. */
  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received += text
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(this.#received) ?? []
    const [, length] = /^content-length: (\d+)\r$/im.exec(this.#received.slice(0, headEnd + 1)) ?? []
    if (status === undefined || length === undefined) {
      return this.#end(new Error(`no answer with a length: ${this.#received.slice(0, headEnd)}`))
    }
    if (this.#received.length < headEnd + 4 + Number(length)) return
    this.#received = ''
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve(Number(status))
  }

  #end(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}
