import type { Figures } from '../kit/gauge.js'
import { significant } from '../kit/numbers.js'
import type { Comparison, Ratio } from './comparison.js'

/** From this share of a core on a process has no more to give. */
const BUSY_FROM = 0.9

/** One row as people read it. */
export function shownComparison(comparison: Comparison): string {
  const { name, note, theirs, ours, failures, verdict } = comparison
  const lines = [name]
  if (note !== undefined) lines.push(`  (${note})`)
  if (theirs !== undefined) lines.push(shownFigures('MQTT.js', theirs))
  if (ours !== undefined) lines.push(shownFigures('@jamey', ours))
  lines.push(...shownRatios(comparison))
  for (const failure of failures) lines.push(`  FAILED ${failure}`)
  if (verdict !== undefined) {
    const { expected, found, isReached } = verdict
    const word = isReached === undefined ? 'unknown' : isReached ? 'reached' : 'MISSED'
    lines.push(`  target    ${expected}: ${word} (${found})`)
  }
  return lines.join('\n')
}

export function shownFigures(who: string, figures: Figures): string {
  const { perSecond, cpuMicros, latency, heapBytes, bufferBytes, clientShare, watchedShares } = figures
  const [server, responder] = watchedShares
  return [
    `  ${who.padEnd(9)}`,
    rate(perSecond).padStart(11),
    `${significant(cpuMicros)} us CPU`.padStart(13),
    `  p50/p99/p99.9 ${[latency.p50, latency.p99, latency.p999].map(milliseconds).join(' / ')} ms`.padEnd(44),
    `alloc ${bytes(heapBytes)} + ${bytes(bufferBytes)} B  `.padEnd(24),
    `cores: client ${percent(clientShare)}, server ${percent(server)}`,
    responder === undefined ? '' : `, responder ${percent(responder)}`,
    limitedBy(figures),
  ].join('')
}

/** Where the client had time left and the server had none, messages a second are the server's. */
function limitedBy({ clientShare, watchedShares }: Figures): string {
  const [server = 0] = watchedShares
  return server >= BUSY_FROM && clientShare < BUSY_FROM ? '  [the server is the limit: look at CPU]' : ''
}

function shownRatios({ ratios }: Comparison): string[] {
  const { perSecond, cpuMicros, p50, p99, heapBytes } = ratios
  if (perSecond === undefined) return []
  const more = [
    ['CPU', cpuMicros],
    ['p50', p50],
    ['p99', p99],
    ['heap', heapBytes],
  ] as const
  const shown = more.map(([name, ratio]) =>
    ratio === undefined ? '' : `, ${name} ${significant(ratio.median)}x`,
  )
  return [`  ratio     ${range(perSecond)}${shown.join('')}`]
}

function range({ median, least, greatest }: Ratio): string {
  return `${significant(median)}x (${significant(least)} to ${significant(greatest)})`
}

function rate(perSecond: number): string {
  return perSecond >= 10_000 ? `${(perSecond / 1000).toFixed(0)} k/s` : `${perSecond.toFixed(0)} /s`
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return '-'
  return value < 0.1 ? value.toFixed(4) : significant(value)
}

function bytes(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(0)
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(share * 100).toFixed(0)} %`
}

/** The last lines: how many targets, and what failed. */
export function summary(comparisons: readonly Comparison[]): string {
  const judged = comparisons.filter(({ verdict }) => verdict?.isReached !== undefined)
  const missed = judged.filter(({ verdict }) => verdict?.isReached === false)
  const failed = comparisons.filter(({ failures }) => failures.length > 0)
  const lines = [
    `${comparisons.length} rows, ${judged.length - missed.length} of ${judged.length} targets reached`,
  ]
  for (const { name, verdict } of missed)
    lines.push(`  missed: ${name}: ${verdict?.found}, ${verdict?.expected}`)
  for (const { name, failures } of failed) lines.push(`  FAILED: ${name}: ${failures[0]}`)
  return lines.join('\n')
}
