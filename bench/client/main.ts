import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Certificates } from '../kit/certificates.js'
import { makeCertificates } from '../kit/certificates.js'
import { describeMachine, type Machine, shownMachine } from '../kit/machine.js'
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
const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url))
/** A slow machine needs more time until compiled code runs. */
const WARM_UP = { leastMs: 400, messages: 20_000, longestMs: 4000 }
const ALLOCATION_MS = 120

interface Settings {
  readonly rows: readonly Row[]
  /** Rows without the broker they need. */
  readonly leftOut: number
  readonly windowMs: number
  readonly rounds: number
  readonly isBareWanted: boolean
  readonly profileFolder: string | undefined
  readonly writes: boolean
}

function readSettings(machine: Machine): Settings | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string', default: '0.6' },
      rounds: { type: 'string', default: '3' },
      list: { type: 'boolean', default: false },
      bare: { type: 'boolean', default: false },
      profile: { type: 'string' },
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
  const isThere = (row: Row): boolean => row.task.via !== 'mosquitto' || machine.mosquitto !== undefined
  const there = rows.filter(isThere)
  return {
    rows: there,
    leftOut: rows.length - there.length,
    windowMs: 1000 * above('seconds', values.seconds, 0),
    rounds: Math.ceil(above('rounds', values.rounds, 0)),
    isBareWanted: values.bare,
    profileFolder: values.profile,
    writes: values.only === undefined || values.write,
  }
}

function above(name: string, text: string, least: number): number {
  const value = Number(text)
  if (value > least) return value
  throw new Error(`--${name} is ${text}; expected a number above ${least}`)
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
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, 'client.txt'), `${lines.join('\n')}\n`)
  writeFileSync(
    join(RESULTS, 'client.json'),
    written({ machine, seconds: windowMs / 1000, rounds }, comparisons),
  )
}

/** JSON with one line per row, so that a difference between two runs can be read. */
function written(head: object, comparisons: readonly Comparison[]): string {
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  const rows = comparisons.map((comparison) => JSON.stringify(comparison, short))
  return `{"run":${JSON.stringify(head)},\n"rows":[\n${rows.join(',\n')}\n]}\n`
}

await main()
