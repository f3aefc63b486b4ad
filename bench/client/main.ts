import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificates } from '../kit/certificates.js'
import { makeCertificates } from '../kit/certificates.js'
import { describeMachine, type Machine, shownMachine } from '../kit/machine.js'
import { keepResults } from '../kit/results.js'
import { type RowArguments, readRowArguments } from '../kit/row-arguments.js'
import { endInOrderOnSignals } from '../kit/temporary.js'
import { type Comparison, compare, type Round } from './comparison.js'
import type { Side } from './job.js'
import { topOfProfile } from './profile.js'
import { shownComparison, shownFigures, summary } from './report.js'
import type { Row } from './row.js'
import { ROWS } from './rows.js'
import { type Outcome, run } from './run.js'

const USAGE = `Our MQTT client beside MQTT.js, row by row; see bench/client/README.md.

  npm run bench:client -- [options]

  --only PATTERN    rows whose name fits this regular expression, such as 'publish qos1'
  --seconds N       length of each measured window; 0.6 by default
  --rounds N        rounds of every row; 3 by default
  --list            tells the rows' names and measures nothing
  --bare            also measures what the load generator itself can do, where a sink is used
  --profile FOLDER  writes CPU profiles of our client's windows there, and tells where the time went
  --write           writes bench/results also when --only was given
`
/** A slow machine needs more time until compiled code runs. */
const WARM_UP = { leastMs: 400, messages: 20_000, longestMs: 4000 }
const ALLOCATION_MS = 120

interface Settings extends RowArguments<Row> {
  /** Rows without the broker they need. */
  readonly leftOut: number
  readonly isBareWanted: boolean
  readonly profileFolder: string | undefined
}

function readSettings(machine: Machine): Settings | undefined {
  const read = readRowArguments(USAGE, ROWS, '0.6', {
    bare: { type: 'boolean', default: false },
    profile: { type: 'string' },
  })
  if (read === undefined) return undefined
  const isThere = (row: Row): boolean => row.task.via !== 'mosquitto' || machine.mosquitto !== undefined
  const rows = read.rows.filter(isThere)
  const { bare, profile } = read.own
  return {
    ...read,
    rows,
    leftOut: read.rows.length - rows.length,
    isBareWanted: bare === true,
    profileFolder: typeof profile === 'string' ? profile : undefined,
  }
}

class Benchmark {
  readonly #settings: Settings
  readonly #certificates: Certificates

  constructor(settings: Settings, certificates: Certificates) {
    this.#settings = settings
    this.#certificates = certificates
  }

  /** All rounds of a row; who begins changes from round to round. */
  async rounds(row: Row): Promise<Round[]> {
    const rounds: Round[] = []
    for (let i = 0; i < this.#settings.rounds; i++) {
      if (i % 2 === 0) {
        const theirs = await this.run(row, 'theirs')
        rounds.push({ theirs, ours: await this.run(row, 'ours', i) })
      } else {
        const ours = await this.run(row, 'ours', i)
        rounds.push({ ours, theirs: await this.run(row, 'theirs') })
      }
    }
    return rounds
  }

  run(row: Row, side: Side, round = 0): Promise<Outcome> {
    const { windowMs, profileFolder } = this.#settings
    const isProfiled = side === 'ours' && round === 0 && profileFolder !== undefined
    return run({
      task: row.task,
      side,
      certificates: this.#certificates,
      plan: {
        warmUp: WARM_UP,
        windowMs,
        allocationMs: ALLOCATION_MS,
        profilePath: isProfiled ? profilePath(profileFolder, row) : undefined,
      },
    })
  }

  /** What the load generator reaches with no client at all; undefined where there is none of ours. */
  async bare(row: Row): Promise<string | undefined> {
    const { via, isBus, isDurable } = row.task
    if (!this.#settings.isBareWanted || via !== 'sink' || isBus || isDurable) return undefined
    const outcome = await this.run(row, 'bare')
    return 'figures' in outcome ? shownFigures('bare', outcome.figures) : `  FAILED bare: ${outcome.failure}`
  }
}

function profilePath(folder: string, { name }: Row): string {
  return join(folder, `${name.replaceAll(' ', '-')}.cpuprofile`)
}

async function main(): Promise<void> {
  endInOrderOnSignals()
  const machine = describeMachine()
  const settings = readSettings(machine)
  if (settings === undefined) return
  const { rows, windowMs, rounds, profileFolder } = settings
  if (profileFolder !== undefined) mkdirSync(profileFolder, { recursive: true })
  const benchmark = new Benchmark(settings, await makeCertificates())
  const lines: string[] = []
  const say = (text: string): void => {
    lines.push(text)
    process.stdout.write(`${text}\n`)
  }
  say(shownMachine(machine))
  say(
    `${rounds} rounds of ${windowMs / 1000} s, medians; a ratio above 1 is in our favour, its extremes in parentheses\n`,
  )
  if (settings.leftOut > 0) say(`${settings.leftOut} rows are left out: Mosquitto is not installed\n`)
  const comparisons: Comparison[] = []
  for (const row of rows) {
    const comparison = compare(row, await benchmark.rounds(row), comparisons)
    comparisons.push(comparison)
    say(shownComparison(comparison))
    const bare = await benchmark.bare(row)
    if (bare !== undefined) say(bare)
    if (profileFolder !== undefined) say(topOfProfile(profilePath(profileFolder, row)))
    say('')
  }
  say(summary(comparisons))
  if (comparisons.some(({ failures }) => failures.length > 0)) process.exitCode = 1
  if (!settings.writes) return
  keepResults('client', lines, { machine, seconds: windowMs / 1000, rounds }, comparisons)
}

await main()
