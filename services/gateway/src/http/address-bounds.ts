import type { Server, Socket } from 'node:net'
import { isLoopbackAddress } from '@jamey/auth'

/** A quarter of all, so that no single machine keeps the others out. */
export const MAXIMUM_CONNECTIONS_OF_ADDRESS = 250

export interface AddressBounds {
  readonly maximum?: number
  /** Addresses that stand for many peers: by default the loopback ones, from which everybody on this machine comes. */
  readonly isShared?: (address: string) => boolean
  readonly onRefused?: () => void
}

/** Bounds how many connections one address has at a time; those above it are destroyed before they cost anything. */
export function boundAddresses(server: Server, bounds: AddressBounds = {}): void {
  const { maximum = MAXIMUM_CONNECTIONS_OF_ADDRESS, isShared = isLoopbackAddress, onRefused } = bounds
  const counts = new Map<string, number>()
  const takeUp = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address } = socket
    if (address !== undefined && !isShared(address)) {
      const count = (counts.get(address) ?? 0) + 1
      if (count > maximum) {
        socket.destroy()
        onRefused?.()
        return
      }
      counts.set(address, count)
      socket.once('close', () => leave(counts, address))
    }
    for (const listener of takeUp) listener.call(server, socket)
  })
}

function leave(counts: Map<string, number>, address: string): void {
  const left = (counts.get(address) ?? 1) - 1
  if (left === 0) counts.delete(address)
  else counts.set(address, left)
}
