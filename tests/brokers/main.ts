import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Arguments, readArguments, USAGE } from './arguments.js'
import type { BrokerUnderTest } from './broker-under-test.js'
import { BROKERS } from './catalogue.js'
import { pageOf } from './page.js'
import { remoteBroker } from './remote-broker.js'
import { reportOf } from './report.js'
import { type BrokerResult, faultsOf, LONG, playOn, SHORT } from './suite.js'

const HERE = import.meta.dirname.replace(/\/dist$/, '')
const RESULTS = resolve(HERE, 'results.json')
const PAGE = resolve(HERE, '../../docs/brokers.md')

/** Plays the scenes on each broker; exit code 1 where one does not what it has to, or what is known of it. */
async function main(): Promise<number> {
  let options: Arguments
  try {
    options = readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  const results: BrokerResult[] = []
  for (const make of madeOf(options)) {
    const broker = await make()
    const extent = options.isShort ? SHORT : LONG
    results.push(await playOn(broker, { extent, only: options.scenes, say }))
  }
  process.stdout.write(`\n${reportOf(results)}\n`)
  const faults = results.flatMap((result) => faultsOf(result).map((fault) => `${result.broker}: ${fault}`))
  for (const fault of faults) say(`FAULT ${fault}`)
  if (options.writes) keep(results)
  return faults.length === 0 && results.length > 0 ? 0 : 1
}

function madeOf({ brokers, remote }: Arguments): (() => Promise<BrokerUnderTest>)[] {
  if (remote !== undefined) return [async () => remoteBroker(remote)]
  const entries = Object.entries(BROKERS).filter(([name]) => brokers.length === 0 || brokers.includes(name))
  return entries.flatMap(([name, { isInstalled, make }]) => {
    if (isInstalled()) return [make]
    say(`${name} is not installed`)
    return []
  })
}

/** The rows of other brokers stay as they were, and so does what was not played of the same version. */
function keep(results: readonly BrokerResult[]): void {
  const before = JSON.parse(readFileSync(RESULTS, 'utf8')) as BrokerResult[]
  const rows = new Map(before.map((result) => [result.key, result]))
  for (const result of results) rows.set(result.key, joined(rows.get(result.key), result))
  const place = ({ key }: BrokerResult): number => [...Object.keys(BROKERS), key].indexOf(key)
  const all = [...rows.values()].sort((a, b) => place(a) - place(b))
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`)
  writeFileSync(PAGE, pageOf(readFileSync(PAGE, 'utf8'), all))
}

function joined(before: BrokerResult | undefined, now: BrokerResult): BrokerResult {
  if (before?.broker !== now.broker || before.version !== now.version) return now
  return { ...now, cells: { ...before.cells, ...now.cells } }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

// So that what was started here ends, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()
