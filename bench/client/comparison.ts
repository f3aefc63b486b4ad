import type { Figures, Latency } from '../kit/gauge.js'
import { median, significant } from '../kit/numbers.js'
import type { Row, Target } from './row.js'
import type { Outcome } from './run.js'

/** The rounds of one row: what each client did in each. */
export interface Round {
  readonly theirs: Outcome
  readonly ours: Outcome
}

/** Ours against theirs; above 1 ours is better. The median of the rounds, the least, and the greatest. */
export interface Ratio {
  readonly median: number
  readonly least: number
  readonly greatest: number
}

export interface Comparison {
  readonly name: string
  readonly note: string | undefined
  readonly target: Target | undefined
  readonly rounds: readonly Round[]
  /** Medians of the rounds; undefined where a round failed. */
  readonly theirs: Figures | undefined
  readonly ours: Figures | undefined
  readonly failures: readonly string[]
  readonly ratios: Record<RatioName, Ratio | undefined>
  readonly verdict: Verdict | undefined
}

export type RatioName = 'perSecond' | 'cpuMicros' | 'p50' | 'p99' | 'heapBytes'

export interface Verdict {
  readonly expected: string
  readonly found: string
  /** Undefined where this run cannot tell. */
  readonly isReached: boolean | undefined
}

/** Ours over theirs, or the other way round, so that more is better for ours. */
const RATIOS: Record<RatioName, (theirs: Figures, ours: Figures) => number | undefined> = {
  perSecond: (theirs, ours) => ours.perSecond / theirs.perSecond,
  cpuMicros: (theirs, ours) => theirs.cpuMicros / ours.cpuMicros,
  p50: (theirs, ours) => quotient(theirs.latency.p50, ours.latency.p50),
  p99: (theirs, ours) => quotient(theirs.latency.p99, ours.latency.p99),
  heapBytes: (theirs, ours) => quotient(theirs.heapBytes, ours.heapBytes),
}

/** `earlier` are the comparisons of this run so far: some targets refer to them. */
export function compare(row: Row, rounds: readonly Round[], earlier: readonly Comparison[]): Comparison {
  const failures = rounds.flatMap(({ theirs, ours }) => [
    ...('failure' in theirs ? [`MQTT.js: ${theirs.failure}`] : []),
    ...('failure' in ours ? [`@jamey: ${ours.failure}`] : []),
  ])
  const theirs = allFigures(rounds.map((round) => round.theirs))
  const ours = allFigures(rounds.map((round) => round.ours))
  const ratios = Object.fromEntries(
    Object.entries(RATIOS).map(([name, ratio]) => [name, ratioOf(theirs, ours, ratio)]),
  ) as Comparison['ratios']
  const medians = { theirs: medianFigures(theirs), ours: medianFigures(ours) }
  const verdict = row.target === undefined ? undefined : judge(row.target, medians.ours, ratios, earlier)
  return { name: row.name, note: row.note, target: row.target, rounds, ...medians, failures, ratios, verdict }
}

function judge(
  target: Target,
  ours: Figures | undefined,
  ratios: Comparison['ratios'],
  earlier: readonly Comparison[],
): Verdict {
  switch (target.kind) {
    case 'ratio':
      return verdict(
        `>= ${target.atLeast}x MQTT.js`,
        ratios.perSecond?.median,
        'x',
        (found) => found >= target.atLeast,
      )
    case 'rate':
      return verdict(
        `>= ${target.atLeast / 1000} k/s`,
        thousands(ours),
        ' k/s',
        (found) => found * 1000 >= target.atLeast,
      )
    case 'p50':
      return verdict(
        `p50 <= ${target.atMostMs} ms`,
        ours?.latency.p50,
        ' ms',
        (found) => found <= target.atMostMs,
      )
    case 'share': {
      const other = earlier.find(({ name }) => name === target.ofRow)?.ours
      const found = quotient(ours?.perSecond, other?.perSecond)
      const percent = found === undefined ? undefined : found * 100
      return verdict(
        `>= ${target.atLeast * 100} % of '${target.ofRow}'`,
        percent,
        ' %',
        (share) => share >= target.atLeast * 100,
      )
    }
  }
}

function verdict(
  expected: string,
  found: number | undefined,
  unit: string,
  isReached: (found: number) => boolean,
): Verdict {
  if (found === undefined) return { expected, found: 'not measured in this run', isReached: undefined }
  return { expected, found: `${significant(found)}${unit}`, isReached: isReached(found) }
}

function thousands(figures: Figures | undefined): number | undefined {
  return figures === undefined ? undefined : figures.perSecond / 1000
}

/** The figures of all rounds; none where a round failed. */
function allFigures(outcomes: readonly Outcome[]): Figures[] {
  const found = outcomes.flatMap((outcome) => ('figures' in outcome ? [outcome.figures] : []))
  return found.length === outcomes.length ? found : []
}

function ratioOf(
  theirs: readonly Figures[],
  ours: readonly Figures[],
  ratio: (theirs: Figures, ours: Figures) => number | undefined,
): Ratio | undefined {
  const found = theirs
    .map((figures, i) => (ours[i] === undefined ? undefined : ratio(figures, ours[i])))
    .filter((value) => value !== undefined && Number.isFinite(value)) as number[]
  if (found.length === 0) return undefined
  return { median: median(found), least: Math.min(...found), greatest: Math.max(...found) }
}

function medianFigures(rounds: readonly Figures[]): Figures | undefined {
  const [first] = rounds
  if (first === undefined) return undefined
  const of = (value: (figures: Figures) => number): number => median(rounds.map(value))
  const ofSome = (value: (figures: Figures) => number | undefined): number | undefined => {
    const found = rounds.map(value).filter((one) => one !== undefined) as number[]
    return found.length < rounds.length ? undefined : median(found)
  }
  const latency: Latency = {
    samples: of((figures) => figures.latency.samples),
    p50: ofSome((figures) => figures.latency.p50),
    p99: ofSome((figures) => figures.latency.p99),
    p999: ofSome((figures) => figures.latency.p999),
  }
  return {
    seconds: of((figures) => figures.seconds),
    messages: of((figures) => figures.messages),
    perSecond: of((figures) => figures.perSecond),
    cpuMicros: of((figures) => figures.cpuMicros),
    heapBytes: ofSome((figures) => figures.heapBytes),
    bufferBytes: ofSome((figures) => figures.bufferBytes),
    latency,
    clientShare: of((figures) => figures.clientShare),
    watchedShares: first.watchedShares.map((_, i) => ofSome((figures) => figures.watchedShares[i])),
    peakRssBytes: of((figures) => figures.peakRssBytes),
  }
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}
