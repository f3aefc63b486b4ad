import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below those that a system gives to connections and to who listens at any: one of these may be given to another before
 * a server that starts slowly takes it. On Linux they begin at 32768.
 */
const LOWEST = 20_000
const PORTS = 12_000

/** A port of 127.0.0.1 that was free a moment ago, for what cannot be told to take any. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + randomInt(PORTS)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  const listens = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (!listens) return false
  server.close()
  await once(server, 'close')
  return true
}
