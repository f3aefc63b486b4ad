import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BrokerName } from '../kit/brokers.js'
import { makeCertificates } from '../kit/certificates.js'
import { MOSQUITTO } from '../kit/children.js'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { endInOrderOnSignals } from '../kit/temporary.js'
import { type Comparison, compare } from './comparison.js'
import { shownComparison, summary } from './report.js'
import { ROWS, type Row } from './rows.js'
import { type Outcome, run, type Side } from './run.js'

const USAGE = `Our broker beside Mosquitto and Aedes, row by row; see bench/broker/README.md.

  npm run bench:broker -- [options]

  --only PATTERN    rows whose name fits this regular expression, such as '1 to 20 qos1'
  --seconds N       length of each measured window; 1 by default
  --rounds N        rounds of every row; 3 by default
  --list            tells the rows' names and measures nothing
  --write           writes bench/results also when --only was given
`
const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url))
const WARM_UP_MS = 700

interface Settings {
  readonly rows: readonly Row[]
  readonly windowMs: number
  readonly rounds: number
  readonly writes: boolean
}

function readSettings(): Settings | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      list: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return undefined
  }
  const pattern = new RegExp(values.only ?? '', 'i')
  const rows = ROWS.filter(({ name }) => pattern.test(name))
  if (rows.length === 0) throw new Error(`no row is named like ${pattern}; --list tells the names`)
  if (values.list) {
    process.stdout.write(`${rows.map(({ name }) => name).join('\n')}\n`)
    return undefined
  }
  return {
    rows,
    windowMs: 1000 * above('seconds', values.seconds, 0),
    rounds: Math.ceil(above('rounds', values.rounds, 0)),
    writes: values.only === undefined || values.write,
  }
}

function above(name: string, text: string, least: number): number {
  const value = Number(text)
  if (value > least) return value
  throw new Error(`--${name} is ${text}; expected a number above ${least}`)
}

/** The relay takes one publisher, and no handshake of QoS 2. */
function hasBound({ layout, qos, isPersistent }: Row['task']): boolean {
  return layout.kind === 'shared' && layout.publishers === 1 && qos < 2 && !isPersistent
}

async function main(): Promise<void> {
  endInOrderOnSignals()
  const settings = readSettings()
  if (settings === undefined) return
  const { rows, windowMs, rounds } = settings
  const certificates = await makeCertificates()
  const lines: string[] = []
  const say = (text: string): void => {
    lines.push(text)
    process.stdout.write(`${text}\n`)
  }
  const machine = describeMachine()
  say(shownMachine(machine))
  say(`${rounds} rounds of ${windowMs / 1000} s, medians; extremes in parentheses; deliveries per second\n`)
  const brokers: readonly BrokerName[] = existsSync(MOSQUITTO)
    ? ['mosquitto', 'aedes', 'jamey']
    : ['aedes', 'jamey']
  if (brokers.length < 3) say('Mosquitto is not installed\n')
  const comparisons: Comparison[] = []
  for (const row of rows) {
    const measure = (side: Side): Promise<Outcome> =>
      run({ task: row.task, side, certificates, warmUpMs: WARM_UP_MS, windowMs })
    const outcomes = new Map<Side, Outcome[]>(brokers.map((side) => [side, []]))
    for (let round = 0; round < rounds; round++) {
      // Who begins changes from round to round.
      for (let i = 0; i < brokers.length; i++) {
        const side = brokers[(i + round) % brokers.length] as BrokerName
        outcomes.get(side)?.push(await measure(side))
      }
    }
    if (hasBound(row.task)) outcomes.set('bare', [await measure('bare')])
    const comparison = compare(row, outcomes)
    comparisons.push(comparison)
    say(`${shownComparison(comparison)}\n`)
  }
  say(summary(comparisons))
  if (comparisons.some(({ failures }) => failures.length > 0)) process.exitCode = 1
  if (!settings.writes) return
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, 'broker.txt'), `${lines.join('\n')}\n`)
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  const head = JSON.stringify({ machine, seconds: windowMs / 1000, rounds })
  const written = comparisons.map((comparison) => JSON.stringify(comparison, short))
  writeFileSync(join(RESULTS, 'broker.json'), `{"run":${head},\n"rows":[\n${written.join(',\n')}\n]}\n`)
}

await main()
