import type { Point } from './growth-job.js'
import { logPlot, type Series } from './plot.js'

interface Plot {
  readonly file: string
  readonly curve: string
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  /** The values drawn. With several, each is a series of its own. */
  readonly values: readonly string[]
}

const PLOTS: readonly Plot[] = [
  {
    file: 'subscriptions-cost.svg',
    curve: 'subscriptions',
    title: 'Cost of a received message against subscriptions',
    xLabel: 'subscriptions in one client',
    yLabel: 'CPU, us per message',
    values: ['CPU us/message'],
  },
  {
    file: 'subscriptions-memory.svg',
    curve: 'subscriptions',
    title: 'Memory of a subscription',
    xLabel: 'subscriptions in one client',
    yLabel: 'heap, bytes per subscription',
    values: ['heap bytes/subscription'],
  },
  {
    file: 'in-flight-throughput.svg',
    curve: 'in flight',
    title: 'Publishing at QoS 1 against the messages in flight',
    xLabel: 'messages in flight',
    yLabel: 'messages per second',
    values: ['messages/s'],
  },
  {
    file: 'in-flight-latency.svg',
    curve: 'in flight',
    title: 'From publish to acknowledgement',
    xLabel: 'messages in flight',
    yLabel: 'milliseconds',
    values: ['p50 ms', 'p99 ms'],
  },
  {
    file: 'outbox-opening.svg',
    curve: 'outbox',
    title: 'Opening a durable outbox',
    xLabel: 'records in the outbox',
    yLabel: 'milliseconds until connected',
    values: ['ms to open'],
  },
  {
    file: 'outbox-memory.svg',
    curve: 'outbox',
    title: 'Memory of a durable outbox',
    xLabel: 'records in the outbox',
    yLabel: 'MiB',
    values: ['heap MiB after opening', 'anonymous MiB after opening', 'peak anonymous MiB', 'peak RSS MiB'],
  },
  {
    file: 'outbox-throughput.svg',
    curve: 'outbox',
    title: 'Filling and draining a durable outbox',
    xLabel: 'records in the outbox',
    yLabel: 'records per second',
    values: ['records/s written', 'records/s drained'],
  },
]

/** File names and SVG texts of what these points are enough for. */
export function plotsOf(points: readonly Point[]): { file: string; svg: string }[] {
  return PLOTS.map((plot) => ({
    file: plot.file,
    svg: logPlot({ ...plot, series: seriesOf(plot, points) }),
  })).filter(({ svg }) => svg !== '')
}

function seriesOf({ curve, values }: Plot, points: readonly Point[]): Series[] {
  const mine = points.filter((point) => point.curve === curve)
  const names = [...new Set(mine.map(({ series }) => series))]
  return names.flatMap((name) =>
    values.map((value) => ({
      name: values.length === 1 ? name : `${names.length === 1 ? '' : `${name}, `}${value}`,
      points: mine
        .filter(({ series }) => series === name)
        .flatMap(({ size, values: found }) => {
          const y = found[value]
          return y === undefined ? [] : [[size, y] as const]
        }),
    })),
  )
}
