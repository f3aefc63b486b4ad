import { temporaryFolder } from '../kit/temporary.js'
import { bm25 } from './bm25.js'
import { collection } from './collections.js'
import { conversations } from './conversations.js'
import { dialogues } from './dialogues.js'
import { documents, readmeSections } from './documents.js'
import { type Engine, fts5, miniSearch, ours, wink } from './engines.js'
import { docstrings, packageDescriptions, readmes } from './machine-texts.js'
import { manualsByMatter, manualsBySummary } from './manual-pages.js'
import { type Quality, qualityOf } from './measures.js'
import { perlQuestions } from './perl-manual.js'
import type { EvaluationSet } from './sets.js'
import { talks } from './talks.js'

/** Folders that sets are made from. */
export interface Sources {
  readonly docs: string
  readonly modules: string
  /** Files of FriendsQA, and the pages of Perl's manual; undefined where there are none. */
  readonly dialogues: string | undefined
  readonly perl: string | undefined
  /** Folders of collections in the form of SMART, and one of talks as REALTALK has them. */
  readonly collections: readonly string[]
  readonly talks: string | undefined
}

/** The sets by which constants were chosen. */
export function tuningSets({ docs, modules }: Sources): EvaluationSet[] {
  return [
    conversations(2026),
    documents(docs),
    readmeSections(modules),
    readmes(modules),
    manualsBySummary(),
    manualsByMatter(),
  ]
}

/** Those that were looked at once they had been chosen. */
export function heldOutSets({
  dialogues: folder,
  perl,
  collections,
  talks: chats,
}: Sources): EvaluationSet[] {
  return [
    docstrings(),
    packageDescriptions(),
    ...(folder === undefined ? [] : dialogues(folder)),
    ...(perl === undefined ? [] : [perlQuestions(perl)]),
    ...(chats === undefined ? [] : [talks(chats)]),
    ...collections.map(collection),
  ]
}

/** How well each engine finds the answers of a set. */
export async function qualitiesOf(set: EvaluationSet): Promise<Quality[]> {
  const engines: Engine[] = [
    await ours(set.texts, temporaryFolder().path, false),
    fts5(set.texts),
    miniSearch(set.texts),
    wink(set.texts),
    bm25(set.texts, { k1: 0.9, b: 0.4 }),
    bm25(set.texts, { k1: 1.2, b: 0.75 }),
  ]
  // Paragraphs of a section are its turns, which would tell the answer: sessions are for conversations alone.
  if (set.isConversation === true) {
    engines.unshift(await ours(set.texts, temporaryFolder().path, true))
    engines.push(bm25(set.texts, { k1: 0.9, b: 0.4, neighbour: 0.6 }))
  }
  const found: Quality[] = []
  for (const engine of engines) {
    found.push(await qualityOf(set, engine))
    await engine.close()
  }
  return found
}

export function shownQuality({ engine, recall1, recall5, recall10, mrr, ndcg10 }: Quality): string {
  const shown = [recall1, recall5, recall10, mrr, ndcg10].map((value) => value.toFixed(1).padStart(8))
  return `${engine.padEnd(28)}${shown.join('')}`
}
