import { LatencyHistogram } from '@jamey/protocol'
import { describe, expect, it } from 'vitest'
import { Metrics } from './metrics.js'

const linesOf = async (metrics: Metrics, name: string) =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith(name) || line.includes(` ${name} `))

describe('metrics', () => {
  it('are read when they are asked for, of every source that adds to them', async () => {
    const metrics = new Metrics({ withProcess: false })
    let sent = 0
    const of = (client: string) => ({
      name: 'jamey_test_sent_total',
      help: 'What was sent.',
      type: 'counter' as const,
      read: () => [{ labels: { client }, value: sent }],
    })
    metrics.add(of('one'))
    metrics.add(of('two "quoted"\n'))
    sent = 7
    expect(await linesOf(metrics, 'jamey_test_sent_total')).toEqual([
      '# HELP jamey_test_sent_total What was sent.',
      '# TYPE jamey_test_sent_total counter',
      'jamey_test_sent_total{client="one"} 7',
      'jamey_test_sent_total{client="two \\"quoted\\"\\n"} 7',
    ])
  })

  it('have histograms as Prometheus reads them: every bucket with all that are shorter', async () => {
    const metrics = new Metrics({ withProcess: false })
    const value = new LatencyHistogram()
    for (const ms of [0.1, 0.25, 0.26, 3, 40_000]) value.observe(ms)
    metrics.add({
      name: 'jamey_test_duration_seconds',
      help: 'How long it took.',
      type: 'histogram',
      read: () => [{ labels: { of: 'a' }, value }],
    })
    const lines = await linesOf(metrics, 'jamey_test_duration_seconds')
    expect(lines).toHaveLength(2 + 17 + 2)
    expect(lines).toEqual(
      expect.arrayContaining([
        'jamey_test_duration_seconds_bucket{of="a",le="0.00025"} 2',
        'jamey_test_duration_seconds_bucket{of="a",le="0.0005"} 3',
        'jamey_test_duration_seconds_bucket{of="a",le="0.0025"} 3',
        'jamey_test_duration_seconds_bucket{of="a",le="0.005"} 4',
        'jamey_test_duration_seconds_bucket{of="a",le="30"} 4',
        'jamey_test_duration_seconds_bucket{of="a",le="+Inf"} 5',
        'jamey_test_duration_seconds_count{of="a"} 5',
      ]),
    )
    expect(lines.find((line) => line.includes('_sum'))).toMatch(/ 40\.0036/)
  })

  it('that cannot be read are left out and counted, and cost no other one', async () => {
    const metrics = new Metrics({ withProcess: false })
    const failing = async () => Promise.reject(new Error('gone'))
    metrics.add({ name: 'jamey_test_bad', help: 'Bad.', type: 'gauge', read: failing })
    metrics.add({ name: 'jamey_test_good', help: 'Good.', type: 'gauge', read: () => [{ value: 1 }] })
    expect(await linesOf(metrics, 'jamey_test_good')).toContain('jamey_test_good 1')
    expect(await linesOf(metrics, 'jamey_metrics_failures_total')).toContain('jamey_metrics_failures_total 1')
  })
})
