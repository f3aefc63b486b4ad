import { MemoryStore } from '@jamey/memory'
import { median } from '../kit/numbers.js'
import type { Values } from '../kit/point.js'
import { anonymousBytes } from '../kit/processor.js'
import { report, takeJob } from '../kit/role.js'
import type { GrowthJob } from './growth-job.js'
import { fillWith, questionsOf, wordsAndTexts } from './scale.js'
import { randomFrom } from './sets.js'

const WARM_UP = 200
const ASKED = 300
const READER = { reach: { owner: 'agent-3' } }
const MEBIBYTE = 1_048_576

async function fill({ file, from, to }: Extract<GrowthJob, { task: 'fill' }>): Promise<Values> {
  const store = MemoryStore.open({ file })
  const { text } = wordsAndTexts(randomFrom(from + 1))
  const [startedAt, used] = [performance.now(), process.cpuUsage()]
  await fillWith(store, to - from, text, from)
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(used)
  await store.close()
  return { 'stores/s': (to - from) / seconds, 'CPU us/store': (user + system) / (to - from) }
}

/** Named as `<kind of question>: <value>`, and what opening took. */
async function asking({ file }: Extract<GrowthJob, { task: 'ask' }>): Promise<Values> {
  const openedAt = performance.now()
  const store = MemoryStore.open({ file, queryMs: 3_600_000 })
  await store.query({ query: 'first' })
  const values: Record<string, number | undefined> = {
    's until the first answer': (performance.now() - openedAt) / 1000,
  }
  for (const [kind, make] of Object.entries(questionsOf(randomFrom(11)))) {
    // So that what runs is compiled.
    for (let i = 0; i < WARM_UP; i++) await store.query(make(), READER)
    const tookMs: number[] = []
    const used = process.cpuUsage()
    for (let i = 0; i < ASKED; i++) {
      const question = make()
      const askedAt = performance.now()
      await store.query(question, READER)
      tookMs.push(performance.now() - askedAt)
    }
    const { user, system } = process.cpuUsage(used)
    tookMs.sort((a, b) => a - b)
    values[`${kind}: p50 ms`] = median(tookMs)
    values[`${kind}: p99 ms`] = tookMs[Math.floor(ASKED * 0.99)]
    values[`${kind}: CPU us/question`] = (user + system) / ASKED
  }
  const anonymous = anonymousBytes()
  values['RSS MiB'] = process.memoryUsage().rss / MEBIBYTE
  values['anonymous MiB'] = anonymous === undefined ? undefined : anonymous / MEBIBYTE
  await store.close()
  return values
}

const job = await takeJob<GrowthJob>()
await report(async () => ({ values: job.task === 'fill' ? await fill(job) : await asking(job) }))
