import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { significant } from '../kit/numbers.js'
import { keepResults } from '../kit/results.js'
import { endInOrderOnSignals, temporaryFolder } from '../kit/temporary.js'
import { beside } from './beside.js'
import { memoryGrowth } from './growth.js'
import { heldOutSets, qualitiesOf, shownQuality, tuningSets } from './quality.js'
import type { Measured } from './rates.js'
import { scaleOf } from './scale.js'
import { type Stores, stores } from './stores.js'
import { sweep } from './sweep.js'

/**
 * `npm run bench:memory -- PART...`: `quality` is how well memories are found, beside other full-text searches; `sweep`
 * what each constant of the ranking is worth; `scale` how long it takes among many; `stores` how many are
 * stored a second in `jamey up`; `beside` what verdicts take there while others ask among `--beside` memories. Without a part, `quality` and
 * `scale`. `--docs FOLDER` takes other documentation, `--dialogues FOLDER` files of FriendsQA, `--perl FOLDER` pages of Perl's manual, `--talks FOLDER` files of REALTALK, each `--collection FOLDER` a collection in the form of SMART, `--sizes 10000,100000` other numbers of memories, `--keep` writes
 * the results, each part in a file of its own. `growth` is a program of its own, with options of its own (`--help`).
 */
if (process.argv[2] === 'growth') {
  await memoryGrowth(process.argv.slice(3))
  process.exit()
}
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dialogues: { type: 'string' },
    perl: { type: 'string' },
    talks: { type: 'string' },
    collection: { type: 'string', multiple: true, default: [] },
    docs: { type: 'string', default: fileURLToPath(new URL('../../../docs', import.meta.url)) },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    beside: { type: 'string', default: '300000' },
    keep: { type: 'boolean', default: false },
  },
})

type Say = (line: string) => void

const sources = {
  docs: values.docs,
  dialogues: values.dialogues,
  perl: values.perl,
  talks: values.talks,
  collections: values.collection,
  modules: fileURLToPath(new URL('../../../node_modules', import.meta.url)),
}

async function quality(say: Say): Promise<readonly object[]> {
  const rows: object[] = []
  for (const set of [...tuningSets(sources), ...heldOutSets(sources)]) {
    say(`\n${set.name}: ${set.texts.length} texts, ${set.questions.length} questions`)
    say(`${''.padEnd(28)}     R@1     R@5    R@10     MRR nDCG@10`)
    for (const row of await qualitiesOf(set)) {
      say(shownQuality(row))
      rows.push(row)
    }
  }
  return rows
}

async function scale(say: Say): Promise<readonly object[]> {
  const { path } = temporaryFolder()
  const rows: object[] = []
  for (const size of values.sizes.split(',').filter(Boolean).map(Number)) {
    const row = await scaleOf(size, path)
    const { storesPerSecond, fileMegabytes, startSeconds, indexBytesPerMemory, questions } = row
    say(
      `\n${size} memories: ${significant(storesPerSecond)} stored a second, ${significant(fileMegabytes)} MB, ready after ${significant(startSeconds)} s, ${significant(indexBytesPerMemory)} bytes of RAM each`,
    )
    for (const { name, p50, p99, cpu } of questions) {
      say(
        `${name.padEnd(28)}p50 ${significant(p50)} ms, p99 ${significant(p99)} ms, processor ${significant(cpu)} ms`,
      )
    }
    rows.push(row)
  }
  return rows
}

async function swept(say: Say): Promise<readonly object[]> {
  await sweep(sources, say)
  return []
}

function shownStores(row: object): string {
  if (!('storesPerSecond' in row) || !('microseconds' in row)) return ''
  const { storesPerSecond, microseconds, clientMicroseconds } = row as Stores
  return `, ${significant(storesPerSecond)} memories/s, processor ${significant(microseconds)} us each and ${significant(clientMicroseconds)} of who asks`
}

async function rates(found: AsyncGenerator<Measured & { readonly name: string }>, say: Say, what: string) {
  const rows: object[] = []
  say(`\n${what}`)
  for await (const row of found) {
    const { name, perSecond, p50, p99 } = row
    const times = Number.isNaN(p50) ? '' : `  p50 ${significant(p50)} ms, p99 ${significant(p99)} ms`
    const cores = 'cores' in row ? `, ${significant(Number(row.cores))} cores at work` : ''
    say(
      `${name.padEnd(30)}${significant(perSecond).padStart(8)} requests/s${shownStores(row)}${times}${cores}`,
    )
    rows.push(row)
  }
  return rows
}

const STORES = 'memories stored in `jamey up`, each acknowledged once it is on the disk'

const PARTS: Readonly<Record<string, (say: Say) => Promise<readonly object[]>>> = {
  quality,
  sweep: swept,
  scale,
  stores: (say) => rates(stores(), say, STORES),
  beside: (say) => {
    const memories = Number(values.beside)
    return rates(beside(memories), say, `verdicts of \`jamey up\` with ${memories} memories, 1 at once`)
  },
}

endInOrderOnSignals()
for (const name of positionals.length === 0 ? ['quality', 'scale'] : positionals) {
  const part = PARTS[name]
  if (part === undefined) throw new Error(`no part ${name}; there are ${Object.keys(PARTS).join(', ')}`)
  const machine = describeMachine()
  const lines: string[] = []
  const say: Say = (line) => {
    lines.push(line)
    process.stdout.write(`${line}\n`)
  }
  say(shownMachine(machine))
  const rows = await part(say)
  if (values.keep) keepResults(`memory-${name}`, lines, machine, rows)
}
