import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { bundle } from './bundle.js'

const MOST_GZIP_BYTES = 30_000

it(`the client for browsers needs no module of Node and has at most ${MOST_GZIP_BYTES} bytes, gzipped`, async () => {
  const { code, gzipBytes, imports } = await bundle(
    resolve(import.meta.dirname, '../../packages/mqtt/src/browser.ts'),
  )
  console.info(`@jamey/mqtt for browsers: ${code.length} bytes minified, ${gzipBytes} gzipped`)
  expect(imports).toEqual([])
  expect(gzipBytes).toBeLessThanOrEqual(MOST_GZIP_BYTES)
})
