import { existsSync } from 'node:fs'
import { type BrokerName, protocolVersionOf, type RunningBroker, startBroker } from '../kit/brokers.js'
import type { Certificates } from '../kit/certificates.js'
import { MOSQUITTO } from '../kit/children.js'
import type { CurveOptions } from '../kit/growth.js'
import { type Point, pointOf, type Values, valuesFrom } from '../kit/point.js'
import { temporaryFolder } from '../kit/temporary.js'
import type { GrowthJob } from './growth-job.js'
import type { Layout } from './layout.js'
import { run } from './run.js'

/** The curves: each yields its points one by one, so that what was measured is seen at once. */

const BROKERS: readonly (readonly [BrokerName, string])[] = [
  ...(existsSync(MOSQUITTO) ? ([['mosquitto', 'Mosquitto']] as const) : []),
  ['aedes', 'Aedes'],
  ['jamey', '@jamey'],
]

/** One message, and more and more who get it. */
export function subscriberPoints(options: CurveOptions): AsyncGenerator<Point> {
  return loadPoints('subscribers', options, (size) => ({ kind: 'shared', publishers: 1, subscribers: size }))
}

/** More and more filters with wildcards, of which ten want each message. */
export function wildcardPoints(options: CurveOptions): AsyncGenerator<Point> {
  return loadPoints('wildcards', options, (size) => ({ kind: 'wildcards', filters: size }))
}

async function* loadPoints(
  curve: string,
  { sizes, certificates }: CurveOptions,
  layoutOf: (size: number) => Layout,
): AsyncGenerator<Point> {
  for (const size of sizes) {
    for (const [side, series] of BROKERS) {
      const layout = layoutOf(size)
      const task = {
        layout,
        qos: 0,
        payloadBytes: 256,
        isOneByOne: false,
        isTls: false,
        isPersistent: false,
      } as const
      yield await pointOf(curve, series, size, async () => {
        const outcome = await run({ task, side, certificates, warmUpMs: 1500, windowMs: 2000 })
        if ('failure' in outcome) throw new Error(outcome.failure)
        const { deliveredPerSecond, cpuMicros, subscriptionBytes, subscribeMicros } = outcome.figures
        return {
          'deliveries/s': deliveredPerSecond,
          'broker us/delivery': cpuMicros,
          // With fewer, what else the process does would be most of it.
          'bytes/subscription':
            subscriptionBytes === undefined || size < 1000 ? undefined : subscriptionBytes / size,
          'us to subscribe': subscribeMicros,
        }
      })
    }
  }
}

/** TLS connections that say nothing. */
export async function* connectionPoints({ sizes, certificates }: CurveOptions): AsyncGenerator<Point> {
  for (const size of sizes) {
    for (const [side, series] of BROKERS) {
      yield await pointOf('connections', series, size, () =>
        withBroker(side, certificates, undefined, (broker) =>
          tellOf({ work: 'connections', size, ...placeOf(side, broker, certificates) }),
        ),
      )
    }
  }
}

export async function* retainedPoints({ sizes }: CurveOptions): AsyncGenerator<Point> {
  for (const size of sizes) {
    for (const [side, series] of BROKERS) {
      yield await pointOf('retained messages', series, size, () =>
        withBroker(side, undefined, undefined, (broker) =>
          tellOf({ work: 'retained', size, ...placeOf(side, broker, undefined) }),
        ),
      )
    }
  }
}

/** A queue on disk: filled, the broker killed and started again, drained. The others would lose it. */
export async function* queuePoints({ sizes }: CurveOptions): AsyncGenerator<Point> {
  for (const size of sizes) {
    const folder = temporaryFolder()
    try {
      yield await pointOf('queue', '@jamey', size, async () => {
        const filled = await withBroker('jamey', undefined, folder.path, (broker) =>
          tellOf({ work: 'fill a queue', size, ...placeOf('jamey', broker, undefined) }),
        )
        let milliseconds: number | undefined
        const drained = await withBroker('jamey', undefined, folder.path, (broker) => {
          milliseconds = broker.milliseconds
          return tellOf({ work: 'drain a queue', size, ...placeOf('jamey', broker, undefined) })
        })
        return { ...filled, 'ms until it listens': milliseconds, ...drained }
      })
    } finally {
      folder.remove()
    }
  }
}

function placeOf(
  side: BrokerName,
  { port, pid }: RunningBroker,
  certificates: Certificates | undefined,
): Pick<GrowthJob, 'port' | 'pid' | 'ca' | 'protocolVersion'> {
  return { port, pid, ca: certificates?.ca, protocolVersion: protocolVersionOf(side) }
}

async function withBroker(
  side: BrokerName,
  certificates: Certificates | undefined,
  storePath: string | undefined,
  measure: (broker: RunningBroker) => Promise<Values>,
): Promise<Values> {
  const broker = await startBroker(side, { certificates, storePath })
  try {
    return await measure(broker)
  } finally {
    await broker.stop('SIGKILL')
  }
}

function tellOf(job: GrowthJob): Promise<Values> {
  return valuesFrom(new URL('./growth-process.js', import.meta.url), job)
}
