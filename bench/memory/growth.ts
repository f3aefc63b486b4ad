import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Curve, type CurveOptions, growth } from '../kit/growth.js'
import { type Point, pointOf, type Values, valuesFrom } from '../kit/point.js'
import { temporaryFolder } from '../kit/temporary.js'
import type { GrowthJob } from './growth-job.js'
import { PLOTS } from './growth-plots.js'

const USAGE = `What memories cost as they become more; see bench/memory/README.md.

  npm run bench:memory -- growth [options]

  --largest N      no size above this one
  --dry            shows the tables, and writes neither results nor plots
  --plot           draws the plots of the results that are there, and measures nothing
`
const RESULTS = new URL('../../results/memory-growth.jsonl', import.meta.url)
const PROCESS = new URL('growth-process.js', import.meta.url)
const MEBIBYTE = 1_048_576

const CURVE: Curve = {
  name: 'memories',
  sizes: [1000, 3000, 10_000, 30_000, 100_000, 300_000],
  points: memoryPoints,
  note: 'one file that grows, 500 stores at once, ten owners; asked by one owner, one question after the other, in the thread of the file',
}

/** One file, which grows from size to size; each step and each look at it in a process of its own. */
async function* memoryPoints({ sizes }: CurveOptions): AsyncGenerator<Point> {
  const folder = temporaryFolder()
  const file = join(folder.path, 'memory.db')
  const run = (job: GrowthJob): Promise<Values> => valuesFrom(PROCESS, job)
  let from = 0
  for (const size of sizes) {
    yield await pointOf('storing', 'until so many are there', size, () =>
      run({ task: 'fill', file, from, to: size }),
    )
    from = size
    yield await pointOf('folder', 'after closing', size, async () => {
      const bytes = bytesOf(folder.path)
      return { 'folder MiB': bytes / MEBIBYTE, 'bytes/memory': bytes / size }
    })
    const asked = await pointOf('opening', 'file opened, questions asked', size, () =>
      run({ task: 'ask', file }),
    )
    yield* byKind(asked)
  }
  folder.remove()
}

/** What is named `<kind of question>: <value>` is of the series of that kind. */
function* byKind({ values, ...point }: Point): Generator<Point> {
  const kinds = new Map<string, Record<string, number | undefined>>()
  const own: Record<string, number | undefined> = {}
  for (const [name, value] of Object.entries(values)) {
    const [kind = '', what] = name.split(': ')
    if (what === undefined) own[name] = value
    else kinds.set(kind, { ...kinds.get(kind), [what]: value })
  }
  yield { ...point, values: own }
  for (const [series, found] of kinds) {
    yield { curve: 'questions', series, size: point.size, values: found }
  }
}

function bytesOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

export function memoryGrowth(args: readonly string[]): Promise<void> {
  return growth({ usage: USAGE, curves: [CURVE], results: RESULTS, plots: PLOTS, args })
}
