import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { significant } from '../kit/numbers.js'
import { keepResults } from '../kit/results.js'
import { endInOrderOnSignals, temporaryFolder } from '../kit/temporary.js'
import { conversations } from './conversations.js'
import { documents } from './documents.js'
import { type Engine, fts5, miniSearch, ours, wink } from './engines.js'
import { type Quality, qualityOf } from './measures.js'
import { type Scale, scaleOf } from './scale.js'
import type { EvaluationSet } from './sets.js'

/**
 * `npm run bench:memory`: how well memories are found, beside other full-text searches, in texts of our own; then how
 * long it takes among many. `--docs FOLDER` takes other documentation, `--sizes 10000,100000` other numbers of memories,
 * `--keep` writes the results.
 */
const { values } = parseArgs({
  options: {
    docs: { type: 'string', default: fileURLToPath(new URL('../../../docs', import.meta.url)) },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    keep: { type: 'boolean', default: false },
  },
})

endInOrderOnSignals()
const { path: folder } = temporaryFolder()
const machine = describeMachine()
const lines: string[] = []
const say = (line: string): void => {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}

async function qualitiesOf(set: EvaluationSet): Promise<Quality[]> {
  const engines: Engine[] = [
    await ours(set.texts, temporaryFolder().path, false),
    fts5(set.texts),
    miniSearch(set.texts),
    wink(set.texts),
  ]
  // Paragraphs of a section are its turns, which would tell the answer: sessions are for conversations alone.
  if (set.name === 'conversations') engines.unshift(await ours(set.texts, temporaryFolder().path, true))
  const found: Quality[] = []
  for (const engine of engines) {
    found.push(await qualityOf(set, engine))
    await engine.close()
  }
  return found
}

say(shownMachine(machine))
const rows: (Quality | Scale)[] = []
for (const set of [conversations(2026), documents(values.docs)]) {
  say(`\n${set.name}: ${set.texts.length} texts, ${set.questions.length} questions`)
  say(`${''.padEnd(28)}     R@1     R@5    R@10     MRR nDCG@10`)
  for (const row of await qualitiesOf(set)) {
    const { engine, recall1, recall5, recall10, mrr, ndcg10 } = row
    const shown = [recall1, recall5, recall10, mrr, ndcg10].map((value) => value.toFixed(1).padStart(8))
    say(`${engine.padEnd(28)}${shown.join('')}`)
    rows.push(row)
  }
}
for (const size of values.sizes.split(',').filter(Boolean).map(Number)) {
  const scale = await scaleOf(size, folder)
  const { storesPerSecond, fileMegabytes, startSeconds, indexBytesPerMemory, questions } = scale
  say(
    `\n${size} memories: ${significant(storesPerSecond)} stored a second, ${significant(fileMegabytes)} MB, ready after ${significant(startSeconds)} s, ${significant(indexBytesPerMemory)} bytes of RAM each`,
  )
  for (const { name, p50, p99 } of questions) {
    say(`${name.padEnd(28)}p50 ${significant(p50)} ms, p99 ${significant(p99)} ms`)
  }
  rows.push(scale)
}
if (values.keep) keepResults('memory', lines, machine, rows)
