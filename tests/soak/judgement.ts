import { emptyTally, type Tally } from './ledger.js'
import { type Trend, trendOf } from './regression.js'
import type { BrokerReport, ClientReport, Sample } from './reports.js'
import type { VitalSigns } from './vital-signs.js'

const KIB = 1024
/** Growth below this is noise of a process whose heap is tens of megabytes, whatever the line says. */
const NEGLIGIBLE_KIB_PER_HOUR = 1024

export interface Outcome {
  readonly samples: readonly Sample[]
  readonly client: ClientReport
  readonly broker: BrokerReport
}

export interface Growth {
  readonly process: 'broker' | 'client'
  readonly what: 'heap' | 'RSS'
  /** KiB. */
  readonly perHour: Trend | undefined
  /** KiB. */
  readonly perMillionMessages: Trend | undefined
  readonly verdict: 'level' | 'grows' | 'too short to say'
}

export interface Judgement {
  readonly tally: Tally
  /** Sentences; empty where nothing went wrong. */
  readonly faults: readonly string[]
  readonly growth: readonly Growth[]
  /** Of the 99th percentile of the latency, milliseconds an hour. */
  readonly latencyDrift: Trend | undefined
}

/** Says what a soak has shown. Growth and drift are taken from the second half, when caches are warm. */
export function judge({ samples, client, broker }: Outcome): Judgement {
  const tally = total(Object.values(client.tallies))
  const late = samples.slice(Math.floor(samples.length / 2))
  const hours = ({ atSeconds }: Sample): number => atSeconds / 3600
  return {
    tally,
    faults: [...lossesOf(client), ...errorsOf(client, broker), ...dropsOf(broker), ...leftoversOf(client)],
    growth: (['broker', 'client'] as const).flatMap((process) => [
      growthOf(late, process, 'heap', ({ heapBytes }) => heapBytes),
      growthOf(late, process, 'RSS', ({ rssBytes }) => rssBytes),
    ]),
    latencyDrift: trendOf(late.map((sample) => ({ x: hours(sample), y: sample.client.latency.p99Ms }))),
  }
}

function total(tallies: readonly Tally[]): Tally {
  const sum = emptyTally()
  for (const tally of tallies) {
    for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += tally[name]
  }
  return sum
}

function lossesOf({ tallies }: ClientReport): string[] {
  const harmful = ['lost', 'doubled', 'outOfOrder', 'ghosts', 'damaged'] as const
  return Object.entries(tallies).flatMap(([where, tally]) =>
    harmful.filter((name) => tally[name] > 0).map((name) => `${where}: ${tally[name]} ${name}`),
  )
}

function errorsOf(client: ClientReport, broker: BrokerReport): string[] {
  return [
    ...Object.entries(client.errors).map(([error, count]) => `${count} x ${error}`),
    ...Object.entries(broker.errors).map(([error, count]) => `broker: ${count} x ${error}`),
  ]
}

/** What a broker with enough room never does. QoS 0 it may drop. */
function dropsOf({ stats }: BrokerReport): string[] {
  const forbidden = [
    'droppedOverflow',
    'droppedExpired',
    'droppedTooLarge',
    'droppedDenied',
    'retainedRefused',
    'publishesDenied',
    'subscriptionsDenied',
    'protocolErrors',
    'identitiesExpired',
  ] as const
  return forbidden.filter((name) => stats[name] > 0).map((name) => `broker: ${name} is ${stats[name]}`)
}

/** What closed clients leave behind. The pipes are of the process. */
function leftoversOf({ left = {} }: ClientReport): string[] {
  return Object.entries(left)
    .filter(([kind]) => /Timeout|Immediate|TCP|TLS/.test(kind))
    .map(([kind, count]) => `${count} ${kind} left after all clients were closed`)
}

function growthOf(
  samples: readonly Sample[],
  process: 'broker' | 'client',
  what: Growth['what'],
  bytesOf: (vitals: VitalSigns) => number,
): Growth {
  const kib = (sample: Sample): number => bytesOf(sample[process].vitals) / KIB
  const perHour = trendOf(samples.map((sample) => ({ x: sample.atSeconds / 3600, y: kib(sample) })))
  return {
    process,
    what,
    perHour,
    perMillionMessages: trendOf(samples.map((sample) => ({ x: sample.messages / 1e6, y: kib(sample) }))),
    verdict: verdictOf(perHour),
  }
}

function verdictOf(trend: Trend | undefined): Growth['verdict'] {
  if (trend === undefined) return 'too short to say'
  const { slope, error } = trend
  if (slope - error > NEGLIGIBLE_KIB_PER_HOUR) return 'grows'
  // An error that leaves room for real growth proves nothing.
  return slope + error < 8 * NEGLIGIBLE_KIB_PER_HOUR ? 'level' : 'too short to say'
}
