import { Child } from '../kit/children.js'
import type { CurveOptions } from '../kit/growth.js'
import { type Point, pointOf, type Values, valuesFrom } from '../kit/point.js'
import { temporaryFolder } from '../kit/temporary.js'
import type { GrowthJob, SubscriptionKind } from './growth-job.js'
import type { Side, Task } from './job.js'
import { run } from './run.js'
import type { SinkJob, SinkReady, SinkTotals } from './sink.js'

/** The curves: each yields its points one by one, so that what was measured is seen at once. */

/** Bounds what still has to be handled at the end: a client that needs milliseconds for a message gets through. */
const BLAST_WINDOW = 256
/** The port of a service that no machine of ours has: connecting is refused at once. */
const NOBODY = 1

/** One client with many subscriptions, one message after the other for each of them. */
export async function* subscriptionPoints({ sizes }: CurveOptions): AsyncGenerator<Point> {
  const variants: [Side, SubscriptionKind, string][] = [
    ['ours', 'identifiers', '@jamey, server names the subscription'],
    ['ours', 'exact filters', '@jamey, exact filters, found by topic'],
    ['ours', 'wildcards', '@jamey, wildcards, found by topic'],
    // It has one listener for all messages: whose they are is left to the application.
    ['theirs', 'exact filters', 'MQTT.js, one listener, no dispatch'],
  ]
  for (const size of sizes) {
    for (const [side, kind, series] of variants) {
      const sink: SinkJob = {
        certificates: undefined,
        subscriptionIdentifiers: kind === 'identifiers',
        blast: { qos: 1, window: BLAST_WINDOW, payload: 64 },
      }
      // All topics once before it is measured: what a client remembers of a topic it then knows. With more topics
      // than it can remember there is nothing to wait for.
      const longestMs = size <= 10_000 ? 60_000 : 10_000
      const warmUp = { leastMs: 500, messages: Math.max(20_000, 2 * size), longestMs }
      const plan = { warmUp, windowMs: 1000, allocationMs: 0, watched: [] }
      yield await pointOf('subscriptions', series, size, async () => {
        const { values } = await withSink(sink, (port) => ({
          curve: 'subscriptions',
          side,
          kind,
          size,
          port,
          plan,
        }))
        return values
      })
    }
  }
}

/** Publishing at QoS 1 with more and more of it unacknowledged. */
export async function* inFlightPoints({ sizes, certificates }: CurveOptions): AsyncGenerator<Point> {
  const series: [Side, string][] = [
    ['theirs', 'MQTT.js'],
    ['ours', '@jamey'],
  ]
  for (const size of sizes) {
    for (const [side, name] of series) {
      yield await pointOf('in flight', name, size, async () => {
        const warmUp = { leastMs: 500, messages: Math.max(20_000, 2 * size), longestMs: 8000 }
        const task = publishTask(size)
        // With ten thousands in flight a message takes seconds.
        const plan = { warmUp, windowMs: size < 10_000 ? 1000 : 5000, allocationMs: 0 }
        const outcome = await run({ task, side, certificates, plan })
        if ('failure' in outcome) throw new Error(outcome.failure)
        const { perSecond, cpuMicros, latency, peakRssBytes } = outcome.figures
        return {
          'messages/s': perSecond,
          'CPU us/message': cpuMicros,
          'p50 ms': latency.p50,
          'p99 ms': latency.p99,
          'peak RSS MiB': peakRssBytes / 1_048_576,
        }
      })
    }
  }
}

/** A durable outbox that has filled up offline: written, opened by a new process, drained by another one. */
export async function* outboxPoints({ sizes }: CurveOptions): AsyncGenerator<Point> {
  for (const size of sizes) {
    const folder = temporaryFolder()
    const job = { curve: 'outbox', size, storePath: folder.path } as const
    try {
      yield await pointOf('outbox', '@jamey', size, async () => {
        const written = await tellOf({ ...job, step: 'fill', port: NOBODY })
        const silent: SinkJob = { certificates: undefined, receiveMaximum: 1, answers: false }
        const opened = await withSink(silent, (port) => ({ ...job, step: 'open', port }))
        const taking: SinkJob = { certificates: undefined }
        const drained = await withSink(taking, (port) => ({ ...job, step: 'drain', port }))
        if (drained.totals.received !== size)
          throw new Error(`${drained.totals.received} of ${size} records came`)
        return { ...written, ...opened.values, ...drained.values }
      })
    } finally {
      folder.remove()
    }
  }
}

function tellOf(job: GrowthJob): Promise<Values> {
  const flags = ['--expose-gc', '--max-old-space-size=8192']
  return valuesFrom(new URL('./growth-process.js', import.meta.url), job, flags)
}

async function withSink(
  sinkJob: SinkJob,
  jobFor: (port: number) => GrowthJob,
): Promise<{ values: Values; totals: SinkTotals }> {
  const sink = new Child(new URL('./sink-process.js', import.meta.url))
  try {
    sink.give(sinkJob)
    const { port } = await sink.next<SinkReady>()
    const values = await tellOf(jobFor(port))
    const totals = await sink.next<SinkTotals>()
    const [fault] = totals.faults
    if (fault !== undefined) throw new Error(`the sink saw ${fault}`)
    return { values, totals }
  } finally {
    await sink.stop()
  }
}

function publishTask(window: number): Task {
  return {
    work: 'publish',
    via: 'sink',
    qos: 1,
    payloadBytes: 256,
    window,
    isTls: false,
    isBus: false,
    isDurable: false,
    isTheirsWithoutDelay: false,
  }
}
