import type { MemoryRow } from '../model/memory-record.js'
import { IRREGULAR_FORMS } from '../search/irregular-forms.js'
import type { Session } from './database-pool.js'
import { indexedTerms } from './terms.js'

type Row = Pick<MemoryRow, 'content' | 'tags' | 'metadata'> & { readonly seq: number }

/** Memories whose terms are made at once. */
const BATCH = 200

const NAMED = '\\w[+#*\uff0b\uff03\uff0a]|(^|[^\\w.])[.]\\w'
const IRREGULAR = `(?i)\\m(${[...IRREGULAR_FORMS.keys()].join('|')})\\M`
/** Those with a text that has this, and some more. */
const someWith = (pattern: string) => `SELECT seq, content, tags, metadata FROM memories
  WHERE seq > $1 AND content || tags || metadata ~ '${pattern}' ORDER BY seq LIMIT ${BATCH}`

const CHANGE = `WITH
    given AS (SELECT * FROM json_to_recordset($1) AS given (seq bigint, vector text, count integer)),
    was AS (SELECT m.seq, m.terms, m.terms_count FROM memories m JOIN given USING (seq)),
    changed AS (
      UPDATE memories m SET terms = given.vector::tsvector, terms_count = given.count
        FROM given WHERE m.seq = given.seq RETURNING m.terms, m.terms_count
    ),
    counted AS (
      SELECT unnest(tsvector_to_array(terms)) AS word, 1 AS more FROM changed
      UNION ALL SELECT unnest(tsvector_to_array(terms)), -1 FROM was
    ),
    words AS (
      INSERT INTO words (word, memories)
        SELECT word, sum(more) FROM counted GROUP BY word HAVING sum(more) <> 0
        ON CONFLICT (word) DO UPDATE SET memories = words.memories + excluded.memories
    )
  UPDATE totals SET terms = totals.terms
    + (SELECT coalesce(sum(terms_count), 0) FROM changed) - (SELECT coalesce(sum(terms_count), 0) FROM was)`

/** A step of the schema: names with signs become terms of the memories that were stored before they were. */
export function addTermsOfNames(session: Session): Promise<void> {
  return renew(session, someWith(NAMED))
}

/** Another one: irregular forms no longer have terms of their own. */
export function renameIrregularForms(session: Session): Promise<void> {
  return renew(session, someWith(IRREGULAR))
}

async function renew(session: Session, some: string): Promise<void> {
  for (let after = 0; ; ) {
    const rows = await session.rows<Row>(some, [after])
    const given = rows.map((row) => ({ seq: row.seq, ...indexedTerms(row) }))
    if (given.length > 0) await session.run(CHANGE, [JSON.stringify(given)])
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.seq
  }
}
