/**
 * A process of the tests: opens a memory file as its owner and prints how far it has come to the newest version, as
 * `<done> <total>`, and `open` when it is there. Arguments: the file, and the number of a step of the migration where the
 * process is to be killed at the end of that one, before it is committed.
 *
 * Vite loads the sources, so that the test needs no build.
 */
import { writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createViteServer } from 'vitest/node'

const conditions = ['@jamey/source']
const server = await createViteServer({
  root: fileURLToPath(new URL('..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  ssr: { resolve: { conditions, externalConditions: conditions }, noExternal: [/^@jamey\//] },
})
const [, , file, killedIn] = process.argv
if (killedIn !== undefined) await migrateUpTo(Number(killedIn))
const { MemoryStore } = await server.ssrLoadModule('/store/memory-store.ts')
const store = MemoryStore.open({
  file,
  claim: { id: String(process.pid), isNew: true },
  onProgress: ({ done, total }) => writeSync(1, `${done} ${total}\n`),
})
writeSync(1, 'open\n')
await store.close()
await server.close()

async function migrateUpTo(step) {
  const { Database } = await server.ssrLoadModule('/file/database.ts')
  const { migrate } = await server.ssrLoadModule('/file/migrate.ts')
  const { MIGRATIONS } = await server.ssrLoadModule('/file/schema.ts')
  const database = new Database({ file, busyTimeoutMs: 2000 })
  // So that pages are written before there is a commit.
  database.execute('PRAGMA cache_size = 10')
  migrate(database, [
    ...MIGRATIONS.slice(0, step - 1),
    (_, finish) =>
      finish(() => {
        database.execute(MIGRATIONS[step - 1])
        process.kill(process.pid, 'SIGKILL')
      }),
  ])
}
