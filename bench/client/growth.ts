import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeCertificates } from './certificates.js'
import { significant } from './comparison.js'
import { type CurveOptions, inFlightPoints, outboxPoints, subscriptionPoints } from './growth-curves.js'
import type { Point } from './growth-job.js'
import { plotsOf } from './growth-plots.js'
import { describeMachine, shownMachine } from './machine.js'
import { endInOrderOnSignals } from './temporary.js'

const USAGE = `What our client costs as things grow; see bench/client/README.md.

  npm run bench:client:growth -- [options]

  --only PATTERN   curves whose name fits this regular expression: subscriptions, in flight, outbox
  --largest N      no size above this one
  --dry            shows the tables, and writes neither results nor plots
  --plot           draws the plots of the results that are there, and measures nothing
`
const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url))
const PLOTS = fileURLToPath(new URL('../../../docs/plots/', import.meta.url))
const RESULT_FILE = join(RESULTS, 'growth.jsonl')

interface Curve {
  readonly name: string
  readonly sizes: readonly number[]
  readonly points: (options: CurveOptions) => AsyncGenerator<Point>
  readonly note: string
}

const CURVES: readonly Curve[] = [
  {
    name: 'subscriptions',
    sizes: [10, 100, 1000, 10_000, 100_000],
    points: subscriptionPoints,
    note: 'QoS 1, 64 bytes, 256 unacknowledged, the messages go round all subscriptions (65 000 of more than that)',
  },
  {
    name: 'in flight',
    sizes: [1, 10, 100, 1000, 10_000, 65_535],
    points: inFlightPoints,
    note: 'QoS 1, 256 bytes; @jamey has at most 16 384 on the wire, the others wait in its queue, and p50 tells of both',
  },
  {
    name: 'outbox',
    sizes: [1000, 10_000, 100_000, 1_000_000],
    points: outboxPoints,
    note: 'QoS 1, 256 bytes, LMDB; written offline, opened by a second process, drained by a third; the file is in the page cache',
  },
]

async function main(): Promise<void> {
  endInOrderOnSignals()
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      largest: { type: 'string', default: 'Infinity' },
      dry: { type: 'boolean', default: false },
      plot: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  if (values.plot) return draw(keptPoints())
  const pattern = new RegExp(values.only, 'i')
  const curves = CURVES.filter(({ name }) => pattern.test(name))
  if (curves.length === 0) throw new Error(`no curve is named like ${pattern}`)
  const machine = describeMachine()
  process.stdout.write(`${shownMachine(machine)}\n`)
  const certificates = await makeCertificates()
  const points: Point[] = []
  for (const { name, sizes, points: measure, note } of curves) {
    process.stdout.write(`\n${name} (${note})\n`)
    const wanted = sizes.filter((size) => size <= Number(values.largest))
    for await (const point of measure({ sizes: wanted, certificates })) {
      points.push(point)
      process.stdout.write(`${shownPoint(point)}\n`)
    }
  }
  if (points.some(({ failure }) => failure !== undefined)) process.exitCode = 1
  if (values.dry) return
  // Curves that were not measured this time keep what they had.
  const measured = new Set(points.map(({ curve }) => curve))
  const all = [
    ...keptPoints().filter(({ curve }) => !measured.has(curve)),
    ...points.map((one) => ({ ...one, machine })),
  ]
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(RESULT_FILE, `${all.map((point) => JSON.stringify(point)).join('\n')}\n`)
  draw(all)
}

function keptPoints(): Point[] {
  try {
    const lines = readFileSync(RESULT_FILE, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Point)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function draw(points: readonly Point[]): void {
  mkdirSync(PLOTS, { recursive: true })
  for (const { file, svg } of plotsOf(points)) writeFileSync(join(PLOTS, file), svg)
}

function shownPoint({ series, size, values, failure }: Point): string {
  const figures = Object.entries(values).map(
    ([name, value]) => `${name} ${value === undefined ? '-' : significant(value)}`,
  )
  const what = failure === undefined ? figures.join(', ') : `FAILED ${failure}`
  return `${String(size).padStart(9)}  ${series.padEnd(38)} ${what}`
}

await main()
