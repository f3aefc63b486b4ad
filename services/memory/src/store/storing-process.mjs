/**
 * A process of the tests: stores in a loop, many at a time, and prints the id of each memory that was
 * acknowledged. Arguments: the file or the URL of a database, a name that its ids begin with, and how many to store (endless where 0).
 *
 * Vite loads the sources, so that the test needs no build.
 */
import { writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createViteServer } from 'vitest/node'

const [file, name, count] = process.argv.slice(2)
const conditions = ['@jamey/source']
const server = await createViteServer({
  root: fileURLToPath(new URL('..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  ssr: { resolve: { conditions, externalConditions: conditions }, noExternal: [/^@jamey\//] },
})
const store = await (file.startsWith('postgres:') ? openDatabase() : openFile())

const limit = Number(count) || Number.POSITIVE_INFINITY
for (let i = 0; i < limit; i += 20) {
  await Promise.all(
    Array.from({ length: Math.min(20, limit - i) }, async (_, k) => {
      const id = `${name}-${i + k}`
      const { memory, created } = await store.store(
        { content: `memory ${id}`, layer: 'semantic', tags: ['loop'] },
        { id, source: 'child' },
      )
      report(`${memory.id} ${created}\n`)
    }),
  )
}
await store.close()
await server.close()

async function openFile() {
  const { MemoryStore } = await server.ssrLoadModule('/store/memory-store.ts')
  return MemoryStore.open({ file, busyTimeoutMs: 10_000 })
}

async function openDatabase() {
  const { readDatabaseUrl } = await server.ssrLoadModule('/postgres/database-address.ts')
  const { PostgresMemory } = await server.ssrLoadModule('/postgres/postgres-memory.ts')
  return PostgresMemory.open({ address: readDatabaseUrl(file), announcer: name })
}

/** Writes at once: what stands there was acknowledged before the process could be killed. */
function report(line) {
  let rest = Buffer.from(line)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      // The reader is behind and the pipe full: nothing was written.
      if (error.code !== 'EAGAIN') throw error
    }
  }
}
