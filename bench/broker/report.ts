import { significant } from '../kit/numbers.js'
import type { Comparison, Ratio, SideFigures } from './comparison.js'
import type { Side } from './run.js'

/** From this share of a core on a process has no more to give. */
const BUSY_FROM = 0.9

const NAMES: Readonly<Record<Side, string>> = {
  jamey: '@jamey',
  stamped: 'stamped',
  mosquitto: 'Mosquitto',
  aedes: 'Aedes',
  bare: '(relay)',
}

/** One row as people read it. */
export function shownComparison({ name, isOneByOne, sides, ratios, failures, target }: Comparison): string {
  const lines = [name, ...sides.map((side) => shownSide(side, isOneByOne))]
  if (ratios.length > 0) lines.push(`  ratio     ${ratios.map(shownRatio).join(', ')}`)
  lines.push(...failures.map(({ side, message }) => `  FAILED ${NAMES[side]}: ${message}`))
  if (target !== undefined) {
    const { atLeast, isReached } = target
    const word = isReached === undefined ? 'unknown' : isReached ? 'reached' : 'MISSED'
    lines.push(`  target    >= ${atLeast}x Mosquitto: ${word}`)
  }
  return lines.join('\n')
}

function shownSide({ side, median }: SideFigures, isOneByOne: boolean): string {
  const { deliveredPerSecond, cpuMicros, p50, p99, brokerShare, generatorShare, anonymousBytes } = median
  const main = isOneByOne
    ? `p50 ${milliseconds(p50)} p99 ${milliseconds(p99)} ms`.padStart(27)
    : rate(deliveredPerSecond).padStart(11)
  const isLimited = generatorShare >= BUSY_FROM && (brokerShare ?? 1) < BUSY_FROM && side !== 'bare'
  return [
    `  ${NAMES[side].padEnd(9)}`,
    main,
    cpuMicros === undefined ? '' : `${significant(cpuMicros)} us CPU`.padStart(14),
    anonymousBytes === undefined ? '' : `${(anonymousBytes / 1_048_576).toFixed(0)} MiB`.padStart(10),
    `  cores: broker ${percent(brokerShare)}, load ${percent(generatorShare)}`,
    isLimited ? '  [the load generator is the limit: look at CPU]' : '',
  ].join('')
}

function shownRatio({ against, median, least, greatest }: Ratio): string {
  return `${significant(median)}x (${significant(least)} to ${significant(greatest)}) ${NAMES[against]}`
}

function rate(perSecond: number): string {
  return perSecond >= 10_000 ? `${(perSecond / 1000).toFixed(0)} k/s` : `${perSecond.toFixed(0)} /s`
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(3)
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(share * 100).toFixed(0)} %`
}

/** The last lines: how many targets, and what failed. */
export function summary(comparisons: readonly Comparison[]): string {
  const judged = comparisons.flatMap(({ name, target, ratios }) =>
    target?.isReached === undefined ? [] : [{ name, target, found: ratios[0]?.median ?? 0 }],
  )
  const missed = judged.filter(({ target }) => !target.isReached)
  const failed = comparisons.filter(({ failures }) => failures.length > 0)
  return [
    `${comparisons.length} rows, ${judged.length - missed.length} of ${judged.length} targets reached`,
    ...missed.map(
      ({ name, target, found }) => `  missed: ${name}: ${significant(found)}x, >= ${target.atLeast}x`,
    ),
    ...failed.map(
      ({ name, failures }) => `  FAILED: ${name}: ${failures.map(({ side }) => NAMES[side]).join(', ')}`,
    ),
  ].join('\n')
}
