import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type MemoryStorage, MemoryStore, PostgresMemory, readDatabaseUrl } from '@jamey/memory'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { median, significant } from '../kit/numbers.js'
import { keepResults } from '../kit/results.js'
import { endInOrderOnSignals, temporaryFolder } from '../kit/temporary.js'
import { conversations } from './conversations.js'
import { documents } from './documents.js'
import type { Engine } from './engines.js'
import { qualityOf } from './measures.js'
import { startPostgres } from './postgres-server.js'
import { WORDS, wordsAndTexts } from './scale.js'
import { type EvaluationSet, randomFrom, type Text } from './sets.js'

/**
 * `npm run bench:memory:postgres`: memories in PostgreSQL beside those in a file, in one run: how well they are found,
 * stores a second, and how long a question takes. `--sizes 10000,100000`, `--docs FOLDER`, `--keep`; `--url` takes an
 * empty database instead of a server of the system's package.
 */
const { values } = parseArgs({
  options: {
    docs: { type: 'string', default: fileURLToPath(new URL('../../../docs', import.meta.url)) },
    sizes: { type: 'string', default: '10000,100000' },
    url: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

const IN_FLIGHT = 500
const ASKED = 200
const QUERY_MS = 600_000

interface Row {
  readonly what: string
  readonly figures: Readonly<Record<string, number>>
}

endInOrderOnSignals()
const machine = describeMachine()
const lines: string[] = []
const rows: Row[] = []
const say = (line: string): void => {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}

interface Named {
  readonly name: string
  readonly store: MemoryStorage
}

async function opened(url: string): Promise<Named[]> {
  const address = readDatabaseUrl(url)
  if ('found' in address) throw new Error(`--url: expected ${address.expected}`)
  const file = join(temporaryFolder().path, 'memory.db')
  return [
    { name: 'file', store: MemoryStore.open({ file, queryMs: QUERY_MS }) },
    { name: 'PostgreSQL', store: await PostgresMemory.open({ address, queryMs: QUERY_MS }) },
  ]
}

/** Processor time of this process. */
function ownMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** That of the server, which works for nobody else; of a server elsewhere it is not known. */
const serverMs = (): number => server?.cpuMs() ?? 0

/** Leaves the database as it was. */
async function closed(stores: readonly Named[]): Promise<void> {
  for (const { store } of stores) {
    await store.forget({ before: '2100-01-01T00:00:00Z', confirm: 10_000_000 })
    await store.close()
  }
}

function engineOf({ name, store }: Named): Engine {
  return {
    name,
    find: async (query, limit) => (await store.query({ query, limit })).memories.map(({ id }) => Number(id)),
    close: () => {},
  }
}

async function storeTexts({ store }: Named, texts: readonly Text[], hasSessions: boolean): Promise<void> {
  const stored = texts.map(({ content, session, turn }, i) => {
    const circumstances = hasSessions && session !== undefined ? { session_id: session, turn: turn ?? 0 } : {}
    const input = { content, layer: 'semantic', duplicates: 'keep', ...circumstances } as const
    return store.store(input, { id: String(i), source: 'bench' })
  })
  await Promise.all(stored)
}

async function compareQuality(set: EvaluationSet, hasSessions: boolean, url: string): Promise<void> {
  say(
    `\n${set.name}${hasSessions ? ', with sessions' : ''}: ${set.texts.length} texts, ${set.questions.length} questions`,
  )
  say(`${''.padEnd(12)}     R@1     R@5    R@10     MRR nDCG@10`)
  const stores = await opened(url)
  for (const one of stores) {
    await storeTexts(one, set.texts, hasSessions)
    const { recall1, recall5, recall10, mrr, ndcg10 } = await qualityOf(set, engineOf(one))
    const figures = { recall1, recall5, recall10, mrr, ndcg10 }
    const shown = Object.values(figures).map((value) => value.toFixed(1).padStart(8))
    say(`${one.name.padEnd(12)}${shown.join('')}`)
    rows.push({ what: `${set.name}, ${hasSessions ? 'with sessions, ' : ''}${one.name}`, figures })
  }
  await closed(stores)
}

async function compareSpeed(memories: number, url: string): Promise<void> {
  const stores = await opened(url)
  say(`\n${memories} memories`)
  for (const { name, store } of stores) {
    const { text } = wordsAndTexts(randomFrom(42))
    const [begun, cpuBefore] = [performance.now(), ownMs() + serverMs()]
    for (let i = 0; i < memories; i += IN_FLIGHT) {
      const some = Array.from({ length: Math.min(IN_FLIGHT, memories - i) }, (_, k) =>
        store.store(
          { content: text(), layer: 'semantic', scope: 'shared', duplicates: 'keep' },
          { id: `m${i + k}`, source: `agent-${(i + k) % 10}` },
        ),
      )
      await Promise.all(some)
    }
    const storesPerSecond = (memories / (performance.now() - begun)) * 1000
    const cpu = (ownMs() + serverMs() - cpuBefore) / memories
    say(
      `${name.padEnd(12)}${significant(storesPerSecond)} stored a second, ${significant(cpu)} ms of processor time each`,
    )
    rows.push({ what: `${memories} memories, ${name}`, figures: { storesPerSecond, cpu } })
  }
  await askBoth(memories, stores)
  await closed(stores)
}

/** Each question to one and the other in turn, so that what else the machine does is the same for both. */
async function askBoth(memories: number, stores: readonly Named[]): Promise<void> {
  const random = randomFrom(43)
  const { word } = wordsAndTexts(random)
  const asked: Readonly<Record<string, () => string>> = {
    'question of 8 words': () => `what did the ${Array.from({ length: 5 }, word).join(' ')}`,
    the: () => 'the',
    'frequent word': () => 'w1',
    'rare word': () => `w${Math.floor(WORDS * (0.5 + random() / 2)).toString(36)}`,
    'word with a letter wrong': () => `${word().slice(0, 3)}xyz`,
    'the newest': () => '',
  }
  for (const [question, make] of Object.entries(asked)) {
    const times = stores.map((): number[] => [])
    const cpu = stores.map(() => 0)
    const serverBefore = serverMs()
    for (let i = 0; i < ASKED; i++) {
      const query = make()
      for (const [k, { store }] of stores.entries()) {
        const [startedAt, cpuBefore] = [performance.now(), ownMs()]
        await store.query({ query }, { reach: { owner: 'agent-3' } })
        times[k]?.push(performance.now() - startedAt)
        cpu[k] = (cpu[k] ?? 0) + ownMs() - cpuBefore
      }
    }
    cpu[1] = (cpu[1] ?? 0) + serverMs() - serverBefore
    for (const [k, { name }] of stores.entries()) {
      const sorted = (times[k] ?? []).sort((a, b) => a - b)
      const p99 = sorted[Math.floor(ASKED * 0.99)] ?? 0
      const figures = { p50: median(sorted), p99, cpu: (cpu[k] ?? 0) / ASKED }
      say(
        `${name.padEnd(12)}${question.padEnd(26)}p50 ${significant(figures.p50)} ms, p99 ${significant(p99)} ms, ${significant(figures.cpu)} ms of processor time`,
      )
      rows.push({ what: `${memories} memories, ${question}, ${name}`, figures })
    }
  }
}

const server = values.url === undefined ? await startPostgres(temporaryFolder().path) : undefined
const url = values.url ?? server?.url ?? ''
try {
  say(`${shownMachine(machine)}${server === undefined ? '' : `, ${server.version}`}`)
  const made = conversations(2026)
  await compareQuality(made, true, url)
  await compareQuality(made, false, url)
  await compareQuality(documents(values.docs), false, url)
  for (const size of values.sizes.split(',').filter(Boolean).map(Number)) await compareSpeed(size, url)
  if (values.keep) keepResults('memory-postgres', lines, machine, rows)
} finally {
  await server?.stop()
}
