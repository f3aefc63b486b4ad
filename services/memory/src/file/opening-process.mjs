/**
 * A process of the tests: opens a memory file as its owner and prints how far it has come to the newest version, as
 * `<done> <total>`, and `open` when it is there. Arguments: the file.
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
const { MemoryStore } = await server.ssrLoadModule('/store/memory-store.ts')
const store = MemoryStore.open({
  file: process.argv[2],
  claim: { id: String(process.pid), isNew: true },
  onProgress: ({ done, total }) => writeSync(1, `${done} ${total}\n`),
})
writeSync(1, 'open\n')
await store.close()
await server.close()
