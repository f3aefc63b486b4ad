import { BlockList, isIP, type Socket } from 'node:net'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import {
  assertProxySignature,
  PROXY_PREFIX_BYTES,
  ProxyHeaderError,
  proxiedAddress,
  proxyBodyBytes,
} from './proxy-header.js'

export interface ProxyProtocolOptions {
  /** Addresses and networks ('10.0.0.0/8') of the load balancers; nobody else may connect. By default everybody may. */
  readonly trusted?: readonly string[] | undefined
}

/** Reads the header of PROXY protocol version 2 before anything else reads from a socket. */
export class ProxyProtocol {
  readonly #context: Context
  readonly #trusted: BlockList | undefined

  constructor(context: Context, { trusted }: ProxyProtocolOptions) {
    this.#context = context
    this.#trusted = trusted && networks(trusted)
  }

  /** True where addresses of load balancers were given. */
  get knowsBalancers(): boolean {
    return this.#trusted !== undefined
  }

  mayConnect(address: string): boolean {
    return this.#trusted === undefined || this.#trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  /**
   * Calls one of the two, once, unless the peer closes before. Only the header is taken: the bytes behind it stay in
   * the socket for whoever reads next. `pass` gets the client's address, or undefined for the socket's own.
   */
  read(socket: Socket, pass: (address: string | undefined) => void, refuse: (reason: string) => void): void {
    const { clock, limits } = this.#context
    let header = Buffer.alloc(PROXY_PREFIX_BYTES)
    let filled = 0
    const deadline = new Deadline(clock, () => finish(() => refuse('no PROXY protocol header in time')))
    const finish = (then: () => void): void => {
      stop()
      then()
    }
    const stop = (): void => {
      deadline.clear()
      socket.off('readable', onReadable)
      socket.off('close', stop)
    }
    const onReadable = (): void => {
      try {
        for (;;) {
          const chunk: Buffer | null = socket.read(Math.min(socket.readableLength, header.length - filled))
          if (chunk === null) return
          filled += chunk.copy(header, filled)
          assertProxySignature(header.subarray(0, filled))
          if (filled < header.length) continue
          const wanted = PROXY_PREFIX_BYTES + proxyBodyBytes(header)
          if (filled === wanted) return finish(() => pass(proxiedAddress(header)))
          header = Buffer.concat([header], wanted)
        }
      } catch (error) {
        finish(() => refuse(error instanceof ProxyHeaderError ? error.message : String(error)))
      }
    }
    deadline.set(clock.now() + limits.connectTimeoutMs)
    socket.on('error', () => {})
    socket.on('close', stop)
    socket.on('readable', onReadable)
  }
}

/** Throws `TypeError` for what is neither an address nor a network. */
export function networks(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const version = isIP(address)
    const bits = prefix === undefined ? undefined : Number(prefix)
    const isUsable =
      prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= (version === 6 ? 128 : 32))
    if (version === 0 || !isUsable) {
      throw new TypeError(`got ${JSON.stringify(entry)}; expected an address or a network such as 10.0.0.0/8`)
    }
    const family = version === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, bits, family)
  }
  return list
}
