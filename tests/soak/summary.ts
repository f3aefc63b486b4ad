import { cpus } from 'node:os'
import type { Judgement, Outcome } from './judgement.js'
import type { Trend } from './regression.js'
import type { Sample } from './reports.js'

export interface Setting {
  readonly minutes: number
  readonly rate: number
  readonly isPlain: boolean
}

/** The outcome as a page of Markdown. */
export function summarize(setting: Setting, outcome: Outcome, judgement: Judgement): string {
  const { samples, client, broker } = outcome
  const last = samples.at(-1)
  const verdict =
    judgement.faults.length === 0 ? 'Nothing was lost, doubled or out of order.' : 'Something went wrong.'
  return [
    `# Soak of ${setting.minutes} minutes`,
    '',
    `${new Date().toISOString()}, Node ${process.version}, ${cpus().length} cores, ` +
      `${setting.isPlain ? 'plain TCP' : 'TLS 1.3 and tokens'}, broker with its store on disk, ` +
      `${setting.rate} steady messages a second.`,
    '',
    verdict,
    '',
    ...judgement.faults.map((fault) => `- ${fault}`),
    ...(judgement.faults.length > 0 ? [''] : []),
    '## Messages',
    '',
    table(
      [
        '',
        'received',
        'repeated (QoS 1)',
        'missed (QoS 0)',
        'lost',
        'doubled',
        'out of order',
        'ghosts',
        'damaged',
      ],
      [...Object.entries(client.tallies), ['**all**', judgement.tally] as const].map(([name, tally]) => [
        name,
        tally.received,
        tally.repeated,
        tally.missed,
        tally.lost,
        tally.doubled,
        tally.outOfOrder,
        tally.ghosts,
        tally.damaged,
      ]),
    ),
    '',
    '## Growth in the second half',
    '',
    table(
      ['process', 'what', 'at the end', 'KiB an hour', 'KiB a million messages', ''],
      judgement.growth.map(({ process, what, perHour, perMillionMessages, verdict: says }) => [
        process,
        what === 'heap' ? 'heap after collection' : 'resident memory',
        mebibytes(last?.[process].vitals[what === 'heap' ? 'heapBytes' : 'rssBytes']),
        told(perHour),
        told(perMillionMessages),
        says,
      ]),
    ),
    '',
    `Latency, 99th percentile: drifts by ${told(judgement.latencyDrift)} ms an hour.`,
    '',
    '## Course',
    '',
    course(samples),
    '',
    '## What happened',
    '',
    ...Object.entries(client.roles).map(([name, counts]) => `- ${name}: ${listed(counts)}`),
    `- links: ${listed(sumOfFaults(samples))}`,
    `- broker: ${listed(nonZero(broker.stats))}`,
    `- connections ended by the broker: ${listed(broker.endings)}`,
    `- steady clients: ${listed(nonZero(client.stats))}`,
    `- handles left after the clients were closed: ${listed(client.left ?? {})}`,
    '',
  ].join('\n')
}

function course(samples: readonly Sample[]): string {
  const step = Math.max(1, Math.ceil(samples.length / 24))
  const shown = samples.filter((_, i) => i % step === step - 1 || i === samples.length - 1)
  return table(
    [
      's',
      'messages/s',
      'p50 ms',
      'p99 ms',
      'max ms',
      'broker heap',
      'broker RSS',
      'client heap',
      'client RSS',
      'handles',
      'loop p99 ms',
      'CPU',
    ],
    shown.map(
      ({ atSeconds, messagesPerSecond, broker: { vitals: one }, client: { vitals: other, latency } }) => [
        Math.round(atSeconds),
        messagesPerSecond,
        latency.p50Ms.toFixed(1),
        latency.p99Ms.toFixed(1),
        latency.maxMs.toFixed(0),
        mebibytes(one.heapBytes),
        mebibytes(one.rssBytes),
        mebibytes(other.heapBytes),
        mebibytes(other.rssBytes),
        `${one.handles} + ${other.handles}`,
        `${one.loopDelayP99Ms} + ${other.loopDelayP99Ms}`,
        `${one.cpu} + ${other.cpu}`,
      ],
    ),
  )
}

function sumOfFaults(samples: readonly Sample[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const { faults } of samples) {
    for (const [name, count] of Object.entries(faults)) sum[name] = (sum[name] ?? 0) + count
  }
  return sum
}

function nonZero(counts: object): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}

function listed(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

function told(trend: Trend | undefined): string {
  if (trend === undefined) return '-'
  return `${signed(trend.slope)} ± ${rounded(trend.error)}`
}

function signed(value: number): string {
  return value < 0 ? `-${rounded(-value)}` : `+${rounded(value)}`
}

function rounded(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value))
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${(bytes / 1_048_576).toFixed(1)} MiB`
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
