/**
 * A process of the tests: loads one of the modules beside it and calls its `run` with the other arguments. Vite loads
 * the sources, so that the tests need no build.
 */
import { fileURLToPath } from 'node:url'
import { createViteServer } from 'vitest/node'

const [module, ...args] = process.argv.slice(2)
// Whoever started it may be gone without a word, and some modules run until they are told to stop.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.exit(1)
}, 1000).unref()
const conditions = ['@jamey/source']
const server = await createViteServer({
  root: fileURLToPath(new URL('.', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  ssr: { resolve: { conditions, externalConditions: conditions }, noExternal: [/^@jamey\//] },
})
const { run } = await server.ssrLoadModule(`/${module}`)
await run(...args)
await server.close()
