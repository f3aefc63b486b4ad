import { readdirSync, readFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import type { Logger } from 'pino'

/**
 * Descriptors kept free of sockets, for whatever else the process has to open while it serves: an eighth, within these.
 */
const LEAST_RESERVE = 16
const MAXIMUM_RESERVE = 64
/** A broker may share the process, whose clients need descriptors, too. */
const SHARE = 0.5
const RARELY_MS = 60_000

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
      { descriptors: most, reserve, connections: share },
      'this process may open too few files (ulimit -n) for as many HTTP connections as usual; fewer are taken',
    )
    server.maxConnections = share
  }
  const tell = tellRarely(log, { descriptors: most, reserve })
  server.on('drop', () => tell('HTTP connections are refused: as many are open as may be'))
  const takeUp = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
    // The system gives out the lowest number that is free.
    if ((handle?.fd ?? -1) < most - reserve) for (const listener of takeUp) listener.call(server, socket)
    else {
      socket.destroy()
      tell('HTTP connections are refused: too few file descriptors are left (ulimit -n)')
    }
  })
}

/** Logs a line a minute at the most, which tells how many it stands for. */
export function tellRarely(log: Logger, facts: object): (message: string) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY
  let times = 0
  return (message) => {
    times++
    if (performance.now() - toldAtMs < RARELY_MS) return
    log.error({ ...facts, times }, message)
    toldAtMs = performance.now()
    times = 0
  }
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
