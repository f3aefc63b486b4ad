import { once } from 'node:events'
import { lstatSync, unlinkSync } from 'node:fs'
import type { Server as HttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { Server as TlsServer } from 'node:tls'
import { ownPath } from '@jamey/auth'
import { GatewayError } from '../problems/errors.js'

/** Mask that leaves the right to connect to the owner alone, besides root. */
const NOT_OTHERS = 0o177

const accepted = new WeakSet<Socket>()

/** True where the connection came by a Unix socket, so that its peer is of the user who runs this, or root. */
export function cameByUnixSocket(socket: Socket): boolean {
  return accepted.has(socket)
}

/**
 * Serves `server` at a Unix socket of mode 0600, too, in a folder that nobody else may write to. Throws `OwnershipError`,
 * or `GatewayError` where something else is there.
 */
export async function openUnixSocket(server: HttpServer, path: string): Promise<Server> {
  ownPath(dirname(path), { kind: 'folder' })
  await removeStale(path)
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.add(socket)
    // Nobody can listen in on it, so HTTP is spoken here without TLS, as behind a handshake.
    server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket)
  })
  listener.maxConnections = server.maxConnections
  const listening = once(listener, 'listening')
  // The socket is made within this call, with its mode from its first moment.
  const before = process.umask(NOT_OTHERS)
  try {
    listener.listen(path)
  } finally {
    process.umask(before)
  }
  try {
    await listening
  } catch (error) {
    const { message } = error as Error
    throw new GatewayError('socket-unusable', `No Unix socket can be made at ${path}: ${message}.`, {
      cause: error,
    })
  }
  return listener
}

/** A gateway that was killed leaves its socket behind, at which nobody answers. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket() || (await isAnswered(path))) {
    const what = found.isSocket() ? 'another program listens there' : 'something else is there'
    throw new GatewayError(
      'socket-unusable',
      `No Unix socket can be made at ${path}: ${what}; name another path (JAMEY_HTTP_SOCKET).`,
    )
  }
  unlinkSync(path)
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
