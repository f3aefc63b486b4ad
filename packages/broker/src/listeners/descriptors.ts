import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Limits } from '../support/limits.js'

/**
 * Descriptors kept free of sockets, for whatever else the process has to open while it serves: an eighth, within these.
 */
const LEAST_RESERVE = 16
const MAXIMUM_RESERVE = 64
/**
 * Share of what is left for sockets that unauthenticated connections may have, where it is not enough for all limits.
 */
const UNAUTHENTICATED_SHARE = 1 / 8

/** The file descriptors that the process may have open, `ulimit -n`. */
export class Descriptors {
  /** Infinity where the system does not say: elsewhere than on Linux, nothing is lowered and nobody refused for it. */
  readonly most: number
  readonly reserve: number
  readonly #open: () => number

  constructor(most = openFilesLimit(), open = openFiles) {
    this.most = most
    this.reserve = Math.min(MAXIMUM_RESERVE, Math.max(LEAST_RESERVE, Math.floor(most / 8)))
    this.#open = open
  }

  /** Number of sockets for which there is room now. */
  get room(): number {
    return this.most === Number.POSITIVE_INFINITY ? this.most : this.most - this.reserve - this.#open()
  }

  /** True where the socket leaves the reserve alone: the system gives out the lowest number that is free. */
  leaveReserve(socket: Socket): boolean {
    const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
    return (handle?.fd ?? -1) < this.most - this.reserve
  }

  /** The limits given, where there is room for all sockets that they allow; else lower ones. */
  fit(limits: Limits): Limits {
    const { connections, pendingConnections, waitingConnections } = limits
    const { room } = this
    if (connections + pendingConnections + waitingConnections <= room) return limits
    const share = Math.max(1, Math.floor(room * UNAUTHENTICATED_SHARE))
    const pending = Math.min(pendingConnections, share)
    const waiting = Math.min(waitingConnections, share)
    return {
      ...limits,
      connections: Math.max(1, Math.min(connections, room - pending - waiting)),
      pendingConnections: pending,
      waitingConnections: waiting,
    }
  }
}

function openFilesLimit(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(textOf('/proc/self/limits')) ?? []
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
