import { readdirSync, readFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import type { Logger } from 'pino'
import { RareLog } from './rare-log.js'

/**
 * Descriptors kept free of sockets, for whatever else the process has to open while it serves: an eighth, within these.
 */
const LEAST_RESERVE = 16
const MAXIMUM_RESERVE = 64
/** A broker may share the process, whose clients need descriptors, too. */
const SHARE = 0.5

/**
 * Keeps HTTP connections from taking the file descriptors (`ulimit -n`) that the messaging of the same process needs:
 * no more sockets than half of those that are free at the start, and none once only the reserve is left. Where the
 * system does not say how many there may be, there is no bound but `maxConnections`.
 */
export function guardDescriptors(server: Server, log: Logger): void {
  const most = openFilesLimit()
  if (most === undefined) return
  const reserve = Math.min(MAXIMUM_RESERVE, Math.max(LEAST_RESERVE, Math.floor(most / 8)))
  const share = Math.max(1, Math.floor((most - reserve - openFiles()) * SHARE))
  if (share < server.maxConnections) {
    log.warn(
      { event: 'gateway.limits.lowered', descriptors: most, reserve, connections: share },
      'this process may open too few files (ulimit -n) for as many HTTP connections as usual; fewer are taken',
    )
    server.maxConnections = share
  }
  const facts = { descriptors: most, reserve }
  const shortageLog = new RareLog(log)
  server.on('drop', () =>
    shortageLog.error(
      { event: 'gateway.connections.exceeded', ...facts },
      'HTTP connections are refused: as many are open as may be',
    ),
  )
  const takeUp = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
    // The system gives out the lowest number that is free.
    if ((handle?.fd ?? -1) < most - reserve) for (const listener of takeUp) listener.call(server, socket)
    else {
      socket.destroy()
      shortageLog.error(
        { event: 'gateway.descriptors.exhausted', ...facts },
        'HTTP connections are refused: too few file descriptors are left (ulimit -n)',
      )
    }
  })
}

function openFilesLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}
