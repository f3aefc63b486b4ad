import type { Database } from '../file/database.js'
import type { QueryVector } from '../model/embeddings.js'
import { VectorKeeper } from '../vectors/vector-keeper.js'
import type { Nearest } from './fuse.js'
import type { IndexFilter } from './index-filter.js'
import type { MemoryIndex } from './memory-index.js'

/** Number of the nearest that take part in an order; beyond them a memory is found by its words alone. */
const NEAREST = 200
/** Time for which vectors are read before a question goes on without them. */
const SLICE_MS = 25

/** Finds what says the same as a question, by the vectors of the file. */
export class Meaning {
  readonly #keeper: VectorKeeper

  constructor(database: Database) {
    this.#keeper = new VectorKeeper(database)
  }

  /** Reads vectors for about so long; true once there are no more to read. */
  catchUp(forMs: number): boolean {
    return this.#keeper.catchUp(forMs)
  }

  /** Undefined where there is no endpoint, and so no vectors. Asks for documents of the index that fit. */
  nearest(
    asked: QueryVector | undefined,
    { documents }: MemoryIndex,
    { wanted, depth }: { readonly wanted: IndexFilter; readonly depth: number },
  ): Nearest | undefined {
    if (asked === undefined || 'missing' in asked) return asked
    if (!this.#keeper.catchUp(SLICE_MS)) return { missing: 'the vectors of the file are still being read' }
    const found = this.#keeper.nearest(asked, Math.max(NEAREST, depth), (seq) => {
      const doc = documents.find(seq)
      return doc !== undefined && wanted.fits(doc)
    })
    if (found === undefined) return { missing: `there are no vectors of ${asked.model} yet` }
    return { near: new Map(found.map(({ seq, similarity }) => [documents.find(seq) as number, similarity])) }
  }
}
