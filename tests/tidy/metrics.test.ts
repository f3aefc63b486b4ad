import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  brokerMetrics,
  busMetrics,
  ClientMetrics,
  certificateMetrics,
  dataMetrics,
  Metrics,
} from '@jamey/metrics'
import { LatencyHistogram } from '@jamey/protocol'
import { describe, expect, it } from 'vitest'
import { DecisionMetrics } from '../../services/authz/src/metrics/decision-metrics.js'

/** Metrics have one name in the code, on their page, in the alerts and on the dashboard. */

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Metrics of the library, of which the alerts and the dashboard use some. */
const OF_THE_PROCESS = ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']

function allMetrics(): Metrics {
  const metrics = new Metrics()
  const nothing = new Proxy({}, { get: () => 0 })
  const stats = () => nothing as never
  new ClientMetrics({
    clientId: 'a',
    state: 'connected',
    stats,
    onState: () => () => {},
    explain: () => ({ queue: { oldestAgeMs: 0 }, sending: { deadLetters: 0 } }),
  }).addTo(metrics)
  const latencies = () => ({ publications: new Map(), requests: new Map(), handlers: new Map() })
  metrics.add(
    ...busMetrics({
      clientId: 'a',
      faults: [],
      stats,
      latencies,
      errorCounts: () => new Map(),
      tokenEndsAtMs: 0,
    }),
  )
  metrics.add(...brokerMetrics({ stats, latencies: () => ({ commits: new LatencyHistogram() }) }))
  metrics.add(...certificateMetrics(() => []))
  metrics.add(...dataMetrics(root))
  metrics.add(...new DecisionMetrics().definitions({ grants: () => 0, inFlight: () => 0 }))
  return metrics
}

const described = allMetrics().describe()
const known = new Set([...described.map(({ name }) => name), ...OF_THE_PROCESS])

function namesIn(text: string): string[] {
  return [...new Set(text.match(/\b(?:jamey|nodejs|process)_[a-z0-9_]+/g) ?? [])].map((name) =>
    known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''),
  )
}

const rules = read('deploy/prometheus/jamey.rules.yaml')
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name as string)

describe('metrics', () => {
  it('stand in docs/metrics.md, each with what it means (npm run metrics writes them)', async () => {
    const page = read('docs/metrics.md')
    const [before] = page.split('<!-- metrics -->')
    const rows = described.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`)
    const written = `${before}<!-- metrics -->\n| metric | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`
    await expect(written).toMatchFileSnapshot(join(root, 'docs/metrics.md'))
  })

  it('of the library that are used are there', async () => {
    const text = await allMetrics().text()
    expect(OF_THE_PROCESS.filter((name) => !text.includes(`# TYPE ${name} gauge`))).toEqual([])
  })

  it.each(['deploy/prometheus/jamey.rules.yaml', 'deploy/grafana/jamey.json'])('of %s are known', (path) => {
    const names = namesIn(read(path).replaceAll('job_name', ''))
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it('raise alerts that each have figures that raise it, figures that do not, and a way out', () => {
    expect(alerts.length).toBeGreaterThan(10)
    const tests = read('deploy/prometheus/jamey.rules.test.yaml')
    const headings = [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
    expect(headings.toSorted()).toEqual(alerts.toSorted())
    const untried = alerts.filter(
      (alert) => !tests.includes(`name: ${alert}, raised`) || !tests.includes(`name: ${alert}, quiet`),
    )
    expect(untried).toEqual([])
    const astray = alerts.filter(
      (alert) => !rules.includes(`runbook: docs/runbook.md#${alert.toLowerCase()}\n`),
    )
    expect(astray).toEqual([])
  })
})
