import { existsSync } from 'node:fs'
import { makeCertificates } from '../kit/certificates.js'
import { MOSQUITTO } from '../kit/children.js'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { keepResults } from '../kit/results.js'
import { readRowArguments } from '../kit/row-arguments.js'
import { endInOrderOnSignals } from '../kit/temporary.js'
import { type Comparison, compare, type Failure } from './comparison.js'
import { shownComparison, summary } from './report.js'
import { ROWS, type Row } from './rows.js'
import { type Outcome, run, type Side } from './run.js'

const USAGE = `Our broker beside Mosquitto and Aedes, row by row; see bench/broker/README.md.

  npm run bench:broker -- [options]

  --only PATTERN    rows whose name fits this regular expression, such as '1 to 20 qos1'
  --seconds N       length of each measured window; 1 by default
  --rounds N        rounds of every row; 3 by default
  --stamped         ours once more, telling with every message who sent it
  --list            tells the rows' names and measures nothing
  --write           writes bench/results also when --only was given
`
const WARM_UP_MS = 700

/** The relay takes one publisher, and no handshake of QoS 2. */
function hasBound({ layout, qos, isPersistent }: Row['task']): boolean {
  return layout.kind === 'shared' && layout.publishers === 1 && qos < 2 && !isPersistent
}

async function main(): Promise<void> {
  endInOrderOnSignals()
  const settings = readRowArguments(USAGE, ROWS, '1', { stamped: { type: 'boolean', default: false } })
  if (settings === undefined) return
  const { rows, windowMs, rounds, writes, own } = settings
  const certificates = await makeCertificates()
  const lines: string[] = []
  const say = (text: string): void => {
    lines.push(text)
    process.stdout.write(`${text}\n`)
  }
  const machine = describeMachine()
  say(shownMachine(machine))
  say(`${rounds} rounds of ${windowMs / 1000} s, medians; extremes in parentheses; deliveries per second\n`)
  const isMosquittoHere = existsSync(MOSQUITTO)
  if (!isMosquittoHere) say('Mosquitto is not installed\n')
  const brokers: readonly Side[] = [
    ...(isMosquittoHere ? (['mosquitto'] as const) : []),
    'aedes',
    'jamey',
    ...(own['stamped'] === true ? (['stamped'] as const) : []),
  ]
  const comparisons: Comparison[] = []
  for (const row of rows) {
    const measure = (side: Side): Promise<Outcome> =>
      run({ task: row.task, side, certificates, warmUpMs: WARM_UP_MS, windowMs })
    const outcomes = new Map<Side, Outcome[]>(brokers.map((side) => [side, []]))
    for (let round = 0; round < rounds; round++) {
      // Who begins changes from round to round.
      for (let i = 0; i < brokers.length; i++) {
        const side = brokers[(i + round) % brokers.length] as Side
        outcomes.get(side)?.push(await measure(side))
      }
    }
    if (hasBound(row.task)) outcomes.set('bare', [await measure('bare')])
    const comparison = compare(row, outcomes)
    comparisons.push(comparison)
    say(`${shownComparison(comparison)}\n`)
  }
  say(summary(comparisons))
  const isOurs = ({ side }: Failure): boolean => side !== 'mosquitto' && side !== 'aedes'
  if (comparisons.some(({ failures }) => failures.some(isOurs))) process.exitCode = 1
  if (writes) keepResults('broker', lines, { machine, seconds: windowMs / 1000, rounds }, comparisons)
}

await main()
