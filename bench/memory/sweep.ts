import { join } from 'node:path'
import type { RankingSettings } from '@jamey/memory'
import { temporaryFolder } from '../kit/temporary.js'
import { fill, openedOurs } from './engines.js'
import { qualityOf } from './measures.js'
import { type Sources, tuningSets } from './quality.js'

/** What is changed of the settings, one thing at a time. */
const CHANGES: Readonly<Record<string, Partial<RankingSettings>>> = {
  'as it is': {},
  'k1 0.9': { k1: 0.9 },
  'k1 1.5': { k1: 1.5 },
  'half at 12 words': { halfLength: 12 },
  'half at 18 words': { halfLength: 18 },
  'half at 25 words': { halfLength: 25 },
  'half at 35 words': { halfLength: 35 },
  'not widened': { feedbackWeight: 0 },
  'widened by 0.3': { feedbackWeight: 0.3 },
  'widened by 0.6': { feedbackWeight: 0.6 },
  'widened by 10 texts': { feedbackTexts: 10 },
  'no pairs': { pairWeight: 0 },
  'pairs 0.4': { pairWeight: 0.4 },
  'no neighbours': { neighbourWeight: 0, repeatedWeight: 0 },
  'neighbours 0.4 and 0.2': { neighbourWeight: 0.4, repeatedWeight: 0.2 },
  'neighbours 0.8 and 0.4': { neighbourWeight: 0.8, repeatedWeight: 0.4 },
}

/** nDCG@10 of each set under one change after another, conversations with their sessions and without. */
export async function sweep(sources: Sources, say: (line: string) => void): Promise<void> {
  const { path } = temporaryFolder()
  const sets = tuningSets(sources).flatMap((set) =>
    set.isConversation === true
      ? [
          { set, hasSessions: true },
          { set, hasSessions: false },
        ]
      : [{ set, hasSessions: false }],
  )
  const files = sets.map((_, i) => join(path, `${i}.db`))
  for (const [i, { set, hasSessions }] of sets.entries())
    await fill(files[i] as string, set.texts, hasSessions)
  const names = sets.map(({ set, hasSessions }) => (hasSessions ? `${set.name}, with sessions` : set.name))
  say(`\nnDCG@10 and MRR by what is changed, in ${names.map((name, i) => `(${i + 1}) ${name}`).join(', ')}`)
  for (const [name, ranking] of Object.entries(CHANGES)) {
    const cells: string[] = []
    let sum = 0
    for (const [i, { set }] of sets.entries()) {
      const engine = openedOurs(files[i] as string, name, ranking)
      const { ndcg10, mrr } = await qualityOf(set, engine)
      await engine.close()
      sum += ndcg10
      cells.push(`${ndcg10.toFixed(1)} ${mrr.toFixed(1)}`.padStart(11))
    }
    say(`${name.padEnd(26)}${cells.join('')}  mean ${(sum / sets.length).toFixed(2)}`)
  }
}
