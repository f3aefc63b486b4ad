import type { MemoryConsolidate, MemoryConsolidated } from '@jamey/contracts'
import type { LayerBudgets, LayerLifetimes } from '../model/memory-layers.js'
import type { MemoryRow } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import {
  CONSOLIDATED_AT_ONCE,
  circleOf,
  keepForGood,
  MOST_COMPARED,
  mergeNear,
  RECALLS_TO_KEEP,
} from '../store/consolidating.js'
import { NearTexts } from '../store/near-texts.js'
import { senderOf } from '../store/reach.js'
import type { RecordWork } from '../store/record-storage.js'
import type { RecordWriter } from '../store/record-writer.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import { type Doomed, forgetThese } from './removing.js'
import type { Turn } from './turn.js'

/** Characters that are compared before the event loop does other work. */
const SLICE_CHARACTERS = 20_000

export interface ConsolidationParts {
  readonly lifetimes: LayerLifetimes
  readonly budgets: LayerBudgets | undefined
  readonly now: () => number
  /** On the connection that keeps others from consolidating. */
  readonly read: <T>(work: (session: Session) => Promise<T>) => Promise<T>
  readonly carryOut: <T>(work: RecordWork<T>) => Promise<T>
  readonly turn: <T>(work: (turn: Turn) => Promise<T>) => Promise<T>
}

interface Pair {
  readonly older: string
  readonly newer: string
}

type Compared = Pick<
  MemoryRow,
  'id' | 'owner' | 'scope' | 'session_id' | 'turn' | 'trusted' | 'valid_from' | 'valid_to' | 'content'
> & { readonly seq: number }

/**
 * As `consolidate` of a file does. Each step is a turn of its own, which looks again at what it changes: what others did
 * meanwhile counts, and one that does not come to its end is gone on with by the next.
 */
export async function consolidate(
  parts: ConsolidationParts,
  { layer, dry_run }: MemoryConsolidate,
  reach: Reach | undefined,
): Promise<MemoryConsolidated> {
  const consolidation = new Consolidation(parts, layer, reach)
  const isDry = dry_run === true
  return {
    merged: await consolidation.merge(isDry),
    promoted: await consolidation.promote(isDry),
    evicted: await consolidation.evict(isDry),
  }
}

class Consolidation {
  readonly #parts: ConsolidationParts
  readonly #layers: readonly string[] | undefined
  readonly #own: Reach | undefined
  readonly #sender: string

  constructor(parts: ConsolidationParts, layer: string | undefined, reach: Reach | undefined) {
    this.#parts = parts
    this.#layers = layer === undefined ? undefined : [layer]
    this.#own = reach === undefined ? undefined : { ...reach, isOwnOnly: true }
    this.#sender = senderOf(reach)
  }

  async merge(isDry: boolean): Promise<number> {
    const pairs = await this.#nearPairs()
    if (isDry) return pairs.length
    let merged = 0
    for (const some of slices(pairs)) {
      merged += await this.#write(
        some.flatMap(({ older, newer }) => [older, newer]),
        (writer, nowMs) => {
          const rowOf = (id: string) => writer.statements.byId.all(id)[0]
          const done = some.filter(({ older, newer }) =>
            mergeNear(writer, { older: rowOf(older), newer: rowOf(newer) }, nowMs),
          )
          return done.length
        },
      )
    }
    return merged
  }

  async promote(isDry: boolean): Promise<number> {
    const { parameters, condition } = this.#filter()
    const rows = await this.#parts.read((session) =>
      session.rows<{ id: string }>(
        `SELECT m.id FROM ${SCHEMA}.memories m LEFT JOIN ${SCHEMA}.memory_recalls r ON r.seq = m.seq
          WHERE m.layer = 'short_term' AND (r.recalls >= ${RECALLS_TO_KEEP} OR m.facts -> 'keep' = 'true') AND ${condition}
          ORDER BY m.seq`,
        parameters.values,
      ),
    )
    if (isDry) return rows.length
    const ids = rows.map(({ id }) => id)
    let promoted = 0
    for (const some of slices(ids)) {
      promoted += await this.#write(some, (writer, nowMs) => {
        const { lifetimes } = this.#parts
        return some.filter((id) => keepForGood(writer, writer.statements.byId.all(id)[0], lifetimes, nowMs))
          .length
      })
    }
    return promoted
  }

  /** Beyond the budget of a layer the least important go, and of these the seldom recalled, and the old. */
  async evict(isDry: boolean): Promise<number> {
    const { budgets = {}, read, turn } = this.#parts
    let evicted = 0
    for (const [layer, budget] of Object.entries(budgets)) {
      const { parameters, condition } = this.#filter()
      const [wanted, most] = [parameters.add(layer), parameters.add(budget)]
      const doomed = await read((session) =>
        session.rows<Doomed>(
          `SELECT seq, id FROM (
            SELECT m.seq, m.id, row_number() OVER (
              PARTITION BY m.owner ORDER BY m.importance DESC, coalesce(r.recalls, 0) DESC, m.occurred_at DESC, m.seq DESC
            ) AS place FROM ${SCHEMA}.memories m LEFT JOIN ${SCHEMA}.memory_recalls r ON r.seq = m.seq
            WHERE m.layer = ${wanted} AND ${condition}
          ) AS placed WHERE place > ${most} ORDER BY seq`,
          parameters.values,
        ),
      )
      evicted += doomed.length
      for (const some of isDry ? [] : slices(doomed)) await turn((own) => forgetThese(own, some))
    }
    return evicted
  }

  /** By their ids, page by page, in the order of storing. */
  async #nearPairs(): Promise<Pair[]> {
    const near = new NearTexts()
    const pairs: Pair[] = []
    const ids = new Map<number, string>()
    let characters = 0
    for (let after = await this.#beforeFirst(); ; ) {
      const rows = await this.#page(after)
      for (const row of rows) {
        const older = near.add(row.seq, circleOf(row), row.content)
        if (older === undefined) ids.set(row.seq, row.id)
        else pairs.push({ older: ids.get(older) as string, newer: row.id })
        characters += row.content.length
        if (characters > SLICE_CHARACTERS) {
          characters = 0
          await new Promise(setImmediate)
        }
      }
      const last = rows.at(-1)
      if (last === undefined) return pairs
      after = last.seq
    }
  }

  async #beforeFirst(): Promise<number> {
    const { parameters, condition } = this.#filter()
    const [row] = await this.#parts.read((session) =>
      session.rows<{ seq: number }>(
        `SELECT m.seq FROM ${SCHEMA}.memories m WHERE ${condition} ORDER BY m.seq DESC LIMIT 1 OFFSET ${MOST_COMPARED}`,
        parameters.values,
      ),
    )
    return row?.seq ?? 0
  }

  #page(after: number): Promise<Compared[]> {
    const { parameters, condition } = this.#filter()
    const sql = `SELECT m.seq, m.id, m.owner, m.scope, m.session_id, m.turn, m.trusted, m.valid_from, m.valid_to, m.content
      FROM ${SCHEMA}.memories m WHERE m.seq > ${parameters.add(after)}::bigint AND ${condition}
      ORDER BY m.seq LIMIT ${CONSOLIDATED_AT_ONCE}`
    return this.#parts.read((session) => session.rows<Compared>(sql, parameters.values))
  }

  #filter() {
    const parameters = new Parameters()
    const filter = { layers: this.#layers, reach: this.#own }
    return { parameters, condition: filterSql(filter, this.#parts.now(), parameters) }
  }

  #write(ids: readonly string[], work: (writer: RecordWriter, nowMs: number) => number): Promise<number> {
    const { carryOut, now } = this.#parts
    const run = (writer: RecordWriter) => work(writer, now())
    return carryOut({ ids, rows: [], requests: [], sender: this.#sender, size: ids.length, run })
  }
}

function slices<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / CONSOLIDATED_AT_ONCE)
  return Array.from({ length: count }, (_, i) =>
    all.slice(i * CONSOLIDATED_AT_ONCE, (i + 1) * CONSOLIDATED_AT_ONCE),
  )
}
