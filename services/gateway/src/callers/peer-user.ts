import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { endianness } from 'node:os'

/** Every TCP connection of this machine, with the user that each end belongs to. Linux alone has them. */
/** Those of this process: `/proc/net` is a link to them, which is missing where systemd shows processes alone (`ProcSubset`). */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'] as const
/** A table that changes while it is read may leave a connection out. */
const MAXIMUM_READINGS = 3
/** st, queues, timers, retransmits, uid, timeout, inode: what follows the two addresses. [proc_net_tcp.txt] */
const REST = /^ [\dA-F]{2} \S+ \S+ \S+ +(\d+) +\d+ +(\d+) /
const FAMILIES = ['IPv4', 'IPv6']

/** The addresses of a connection. */
export type Peer = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/**
 * Whose program is at the other end of a connection within this machine: the user that opened its socket. Each
 * connection is looked up once, and those that come together share a reading.
 */
export class PeerUsers {
  readonly #read: () => Promise<string>
  readonly #known = new WeakMap<Peer, Promise<number | undefined>>()
  #reading: Promise<string> | undefined
  #next: Promise<string> | undefined

  /** `read` gives the tables; those of the system by default. */
  constructor(read: () => Promise<string> = readTables) {
    this.#read = read
  }

  /** The number of the user; undefined where that cannot be told, since the peer has gone or by this system. */
  userOf(peer: Peer): Promise<number | undefined> {
    let user = this.#known.get(peer)
    if (user === undefined) {
      user = this.#lookUp(peer)
      this.#known.set(peer, user)
    }
    return user
  }

  async #lookUp(peer: Peer): Promise<number | undefined> {
    const keys = keysOf(peer)
    for (let reading = 0; keys.length > 0 && reading < MAXIMUM_READINGS; reading++) {
      const user = userIn(await this.#table(), keys)
      if (user !== undefined) return user
    }
    return undefined
  }

  /** A reading that has begun may be past the place already, so whoever comes meanwhile waits for the one after it. */
  #table(): Promise<string> {
    if (this.#reading === undefined) return this.#begin()
    this.#next ??= this.#reading.then(() => this.#begin())
    return this.#next
  }

  #begin(): Promise<string> {
    this.#next = undefined
    const reading = this.#read()
      .catch(() => '')
      .finally(() => {
        if (this.#reading === reading) this.#reading = undefined
      })
    this.#reading = reading
    return reading
  }
}

/**
 * A socket that its program has closed lives on for a while, without an inode and under user 0, whoever it was of: it
 * is nobody's, else a request whose sender hung up at once would be root's.
 */
function userIn(tables: string, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    for (let at = tables.indexOf(key); at !== -1; at = tables.indexOf(key, at + 1)) {
      const from = at + key.length
      const [, user, inode] = REST.exec(tables.slice(from, from + 160)) ?? []
      if (user !== undefined && inode !== '0') return Number(user)
    }
  }
  return undefined
}

/**
 * The beginnings of the peer's end of the connection in the tables: its own address first. IPv4 may be written in IPv6.
 */
function keysOf({ remoteAddress = '', remotePort, localAddress = '', localPort }: Peer): string[] {
  if (remotePort === undefined || localPort === undefined) return []
  const ends = [`${remoteAddress}`, `${localAddress}`].map((address) => address.replace(/^::ffff:/i, ''))
  return FAMILIES.flatMap((family) => {
    const [peer, own] = ends.map((address) => bytesOf(address, family))
    if (peer === undefined || own === undefined) return []
    return [` ${hexOf(peer)}:${portOf(remotePort)} ${hexOf(own)}:${portOf(localPort)}`]
  })
}

/** Bytes of an address within this machine; undefined for all others. */
function bytesOf(address: string, family: string): Buffer | undefined {
  const parts = /^(127)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)?.slice(1).map(Number)
  if (parts !== undefined) {
    return Buffer.from(family === 'IPv4' ? parts : [...Buffer.alloc(10), 0xff, 0xff, ...parts])
  }
  return address === '::1' && family === 'IPv6' ? Buffer.from([...Buffer.alloc(15), 1]) : undefined
}

/** The tables show an address as numbers of 32 bits, each in the order of this machine. */
function hexOf(bytes: Buffer): string {
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.subarray(i * 4, i * 4 + 4))
  const inOrder = words.map((word) => (endianness() === 'LE' ? Buffer.from(word).reverse() : word))
  return Buffer.concat(inOrder).toString('hex').toUpperCase()
}

function portOf(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}

/** A table that is not there is empty, as the second is without IPv6, and both are on other systems. */
async function readTables(): Promise<string> {
  const texts = await Promise.all(TABLES.map((path) => readFile(path, 'latin1').catch(() => '')))
  return texts.join('')
}
