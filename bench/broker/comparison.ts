import { median } from '../kit/numbers.js'
import type { LoadFigures } from './load-job.js'
import type { Row } from './rows.js'
import type { Outcome, Side } from './run.js'

/** What one broker did in all rounds of a row. */
export interface SideFigures {
  readonly side: Side
  /** Of each round. */
  readonly deliveredPerSecond: readonly number[]
  /** Medians of the rounds. */
  readonly median: LoadFigures
}

/** Ours against another's; above 1 ours is better. */
export interface Ratio {
  readonly against: Side
  readonly median: number
  readonly least: number
  readonly greatest: number
}

export interface Failure {
  readonly side: Side
  readonly message: string
}

export interface Comparison {
  readonly name: string
  readonly isOneByOne: boolean
  readonly sides: readonly SideFigures[]
  /** Of deliveries per second; of the latency's median where one message at a time is timed. */
  readonly ratios: readonly Ratio[]
  readonly failures: readonly Failure[]
  readonly target: { readonly atLeast: number; readonly isReached: boolean | undefined } | undefined
}

export function compare(
  { name, task, atLeast }: Row,
  outcomes: ReadonlyMap<Side, readonly Outcome[]>,
): Comparison {
  const failures: Failure[] = []
  const sides: SideFigures[] = []
  const rounds = new Map<Side, readonly LoadFigures[]>()
  for (const [side, all] of outcomes) {
    const found = all.flatMap((outcome) => ('figures' in outcome ? [outcome.figures] : []))
    failures.push(
      ...all.flatMap((outcome) => ('failure' in outcome ? [{ side, message: outcome.failure }] : [])),
    )
    if (found.length === 0 || found.length < all.length) continue
    rounds.set(side, found)
    sides.push({
      side,
      deliveredPerSecond: found.map(({ deliveredPerSecond }) => deliveredPerSecond),
      median: medianOf(found),
    })
  }
  const ours = rounds.get('jamey') ?? []
  const better = task.isOneByOne
    ? (us: LoadFigures, them: LoadFigures) => (them.p50 ?? Number.NaN) / (us.p50 ?? Number.NaN)
    : (us: LoadFigures, them: LoadFigures) => us.deliveredPerSecond / them.deliveredPerSecond
  const ratios = (['mosquitto', 'aedes', 'stamped'] as const).flatMap((against) => {
    const theirs = rounds.get(against) ?? []
    const found = ours.flatMap((figures, i) => (theirs[i] === undefined ? [] : [better(figures, theirs[i])]))
    if (found.length === 0) return []
    return [{ against, median: median(found), least: Math.min(...found), greatest: Math.max(...found) }]
  })
  const found = ratios.find(({ against }) => against === 'mosquitto')?.median
  const target =
    atLeast === undefined
      ? undefined
      : { atLeast, isReached: found === undefined ? undefined : found >= atLeast }
  return { name, isOneByOne: task.isOneByOne, sides, ratios, failures, target }
}

function medianOf(rounds: readonly LoadFigures[]): LoadFigures {
  const of = (value: (figures: LoadFigures) => number): number => median(rounds.map(value))
  const ofSome = (value: (figures: LoadFigures) => number | undefined): number | undefined => {
    const found = rounds.map(value).filter((one) => one !== undefined) as number[]
    return found.length < rounds.length ? undefined : median(found)
  }
  return {
    deliveredPerSecond: of(({ deliveredPerSecond }) => deliveredPerSecond),
    cpuMicros: ofSome(({ cpuMicros }) => cpuMicros),
    brokerShare: ofSome(({ brokerShare }) => brokerShare),
    generatorShare: of(({ generatorShare }) => generatorShare),
    p50: ofSome(({ p50 }) => p50),
    p99: ofSome(({ p99 }) => p99),
    anonymousBytes: ofSome(({ anonymousBytes }) => anonymousBytes),
    subscriptionBytes: ofSome(({ subscriptionBytes }) => subscriptionBytes),
    subscribeMicros: of(({ subscribeMicros }) => subscribeMicros),
  }
}
