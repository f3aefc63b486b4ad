import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Metrics } from '../model/metrics.js'
import { dataMetrics } from './data-metrics.js'

it('tells the size of each entry of a data directory, and the room that is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-metrics-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'broker', 'store'), { recursive: true })
  writeFileSync(join(folder, 'broker', 'store', 'data.mdb'), Buffer.alloc(3000))
  writeFileSync(join(folder, 'broker', 'lock'), Buffer.alloc(24))
  writeFileSync(join(folder, 'memories.db'), Buffer.alloc(500))
  const metrics = new Metrics({ withProcess: false })
  metrics.add(...dataMetrics(folder))
  const text = await metrics.text()
  expect(text).toContain('jamey_data_bytes{entry="broker"} 3024\n')
  expect(text).toContain('jamey_data_bytes{entry="memories.db"} 500\n')
  expect(Number(/^jamey_data_free_bytes (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(0)
})

it('leaves them out where there is no such directory, and counts that', async () => {
  const metrics = new Metrics({ withProcess: false })
  metrics.add(...dataMetrics('/nowhere/at/all'))
  await metrics.text()
  expect(await metrics.text()).toMatch(/^jamey_metrics_failures_total [24]$/m)
})
