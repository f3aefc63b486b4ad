import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { bundle } from './bundle.js'

const MAXIMUM_GZIP_BYTES = 30_000

it(`the client for browsers needs no module of Node and has at most ${MAXIMUM_GZIP_BYTES} bytes, gzipped`, async () => {
  const { gzipBytes, laterGzipBytes, imports } = await bundle(
    resolve(import.meta.dirname, '../../packages/mqtt/src/browser.ts'),
  )
  console.info(
    `@jamey/mqtt for browsers: ${gzipBytes} bytes gzipped, ${laterGzipBytes} more for what few pages ask for`,
  )
  expect(imports).toEqual([])
  expect(gzipBytes).toBeLessThanOrEqual(MAXIMUM_GZIP_BYTES)
})
