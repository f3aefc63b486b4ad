import { resolve } from 'node:path'
import { defineConfig } from 'vite'
import { contractSummaries } from './contract-summaries.js'
import licences from './licences.js'

/** Where the command line's package takes it from: apps/jamey/dashboard. */
const OUTPUT = resolve(import.meta.dirname, '../jamey/dashboard')

export default defineConfig({
  // Addresses are relative to the page, which a proxy may serve under a prefix.
  base: './',
  define: { CONTRACTS_AT_BUILD: JSON.stringify(contractSummaries()) },
  // Elements as calls of `h` take a tenth less room than the automatic runtime's.
  oxc: {
    jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' },
    jsxInject: "import { h, Fragment } from 'preact'",
  },
  plugins: [licences()],
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // Everything is a file of its own: the page's Content Security Policy knows neither inline scripts nor data addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
