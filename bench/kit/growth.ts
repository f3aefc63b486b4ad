import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Certificates, makeCertificates } from './certificates.js'
import { drawn, type Plot } from './growth-plots.js'
import { describeMachine, shownMachine } from './machine.js'
import { significant } from './numbers.js'
import type { Point } from './point.js'
import { endInOrderOnSignals } from './temporary.js'

const PLOTS = new URL('../../../docs/plots/', import.meta.url)

export interface CurveOptions {
  readonly sizes: readonly number[]
  readonly certificates: Certificates
}

export interface Curve {
  readonly name: string
  readonly sizes: readonly number[]
  readonly points: (options: CurveOptions) => AsyncGenerator<Point>
  readonly note: string
}

export interface Growth {
  readonly usage: string
  readonly curves: readonly Curve[]
  /** The file that keeps the points. */
  readonly results: URL
  readonly plots: readonly Plot[]
  /** What its options are read from; the command line by default. */
  readonly args?: readonly string[]
}

/** The program around growth curves: reads its options, measures, keeps what was measured and draws it. */
export async function growth({ usage, curves: all, results, plots, args }: Growth): Promise<void> {
  endInOrderOnSignals()
  const { values } = parseArgs({
    ...(args === undefined ? {} : { args: [...args] }),
    options: {
      only: { type: 'string', default: '' },
      largest: { type: 'string', default: 'Infinity' },
      dry: { type: 'boolean', default: false },
      plot: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(usage)
  if (values.plot) return draw(plots, keptPoints(results))
  const pattern = new RegExp(values.only, 'i')
  const curves = all.filter(({ name }) => pattern.test(name))
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
  const kept = [
    ...keptPoints(results).filter(({ curve }) => !measured.has(curve)),
    ...points.map((one) => ({ ...one, machine })),
  ]
  writeFileSync(results, `${kept.map((point) => JSON.stringify(point)).join('\n')}\n`)
  draw(plots, kept)
}

function keptPoints(results: URL): Point[] {
  try {
    const lines = readFileSync(results, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Point)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function draw(plots: readonly Plot[], points: readonly Point[]): void {
  mkdirSync(PLOTS, { recursive: true })
  for (const { file, svg } of drawn(plots, points)) writeFileSync(new URL(file, PLOTS), svg)
}

function shownPoint({ series, size, values, failure }: Point): string {
  const figures = Object.entries(values).map(
    ([name, value]) => `${name} ${value === undefined ? '-' : significant(value)}`,
  )
  const what = failure === undefined ? figures.join(', ') : `FAILED ${failure}`
  return `${String(size).padStart(9)}  ${series.padEnd(38)} ${what}`
}
