/**
 * Stores 20 000 memories and times queries. Needs a build; run as `node services/memory/bench/store-and-query.mjs`, for
 * an empty database of PostgreSQL with its URL, and after that with how many.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStore, PostgresMemory, readDatabaseUrl } from '@jamey/memory'

const [url, count = 20_000] = process.argv.slice(2)
const COUNT = Number(count)
const LAYERS = ['working', 'short_term', 'episodic', 'semantic', 'long_term']
const vocabulary = Array.from({ length: 5000 }, (_, i) => `word${i.toString(36)}`)
let seed = 42
const random = () => {
  seed = (seed * 1664525 + 1013904223) >>> 0
  return seed / 2 ** 32
}
/** Words as rare as in a real text: the n-th comes about 1/n as often. */
const word = () => vocabulary[Math.floor(vocabulary.length ** random()) - 1] ?? 'word'
const text = () => Array.from({ length: 20 }, word).join(' ')
const memory = (i) => ({
  content: text(),
  layer: LAYERS[i % 5],
  tags: [`tag${i % 50}`, `kind${i % 7}`],
  importance: random(),
})

const folder = await mkdtemp(join(tmpdir(), 'memory-bench-'))
const file = join(folder, 'memory.db')
const open = () =>
  url === undefined
    ? MemoryStore.open({ file, announcer: 'bench' })
    : PostgresMemory.open({ address: readDatabaseUrl(url), announcer: 'bench' })
const store = await open()
const store1 = (i) => store.store(memory(i), { id: randomUUID(), source: 'bench' })

async function rate(name, count, inFlight) {
  const begun = performance.now()
  for (let i = 0; i < count; i += inFlight) {
    await Promise.all(Array.from({ length: inFlight }, (_, k) => store1(i + k)))
  }
  const ms = performance.now() - begun
  console.log(`${name}: ${Math.round((count / ms) * 1000)}/s, ${(ms / count).toFixed(3)} ms each`)
}

await rate('store, one at a time', 500, 1)
await rate('store, 100 in flight', 5000, 100)
await rate('store, 500 in flight', COUNT - 5500, 500)

async function latency(name, query, runs = 100) {
  const times = []
  let total = 0
  for (let i = 0; i < runs; i++) {
    const begun = performance.now()
    total = (await store.query(query)).total
    times.push(performance.now() - begun)
  }
  times.sort((a, b) => a - b)
  const at = (share) => times[Math.floor(runs * share)].toFixed(2)
  console.log(`query ${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${total} fit`)
}

console.log(await store.stats())
await latency('newest first', {})
await latency('rare word', { query: 'word3t1' })
await latency('prefix of one', { query: 'word3' })
await latency('three words', { query: 'worda wordb wordc' })
await latency('the commonest word', { query: 'word0' })
await latency('no memory has all words', { query: 'word3t1 word3t2 word3t3 word3t4 word0' })
await latency('a question of eight words', { query: 'word0 word1 worda word3t1 wordz word2k word5 word1b' })
await latency('word, tags, layer', {
  query: 'word5',
  tags: ['kind3', 'tag10'],
  layers: ['episodic', 'working'],
})

const begun = performance.now()
const { forgotten } = await store.forget({ tags: ['kind3'], confirm: COUNT })
console.log(`forgot ${forgotten} in ${Math.round(performance.now() - begun)} ms`)
await store.close()
const opened = performance.now()
await (await open()).close()
console.log(`opened, checked and closed in ${(performance.now() - opened).toFixed(0)} ms`)
await rm(folder, { recursive: true })
