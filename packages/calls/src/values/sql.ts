import { cstVisitor, type DialectName, type Node, parse } from 'sql-parser-cst'

/** One statement. `isBounded`: a WHERE clause that names a column says which rows. */
export interface SqlFact {
  readonly kind: 'read' | 'write' | 'delete' | 'schema' | 'admin'
  /** As the statement begins: `delete`, `drop table`. */
  readonly verb: string
  readonly isBounded: boolean
}

export interface SqlReading {
  readonly statements: readonly SqlFact[]
  /** Why it could not be read; then nothing is known of it. */
  readonly unread: string | undefined
}

const MAXIMUM_CHARACTERS = 50_000
const DIALECTS: readonly DialectName[] = ['postgresql', 'mysql', 'sqlite']
const READS = /^(?:select|with|values|explain|show|describe|desc|pragma|table|analyze)\b/i

/** Every statement of a text, in the first dialect that takes it. */
export function readSql(text: string): SqlReading {
  if (text.length > MAXIMUM_CHARACTERS) return { statements: [], unread: `SQL of ${text.length} characters` }
  for (const dialect of DIALECTS) {
    try {
      const program = parse(text, { dialect, includeRange: true })
      const statements = program.statements.flatMap((statement) => factsOf(statement as Node, text))
      return { statements, unread: undefined }
    } catch {
      // The next dialect may take it.
    }
  }
  return { statements: [], unread: 'SQL that no dialect takes' }
}

function factsOf(statement: Node, text: string): SqlFact[] {
  if (statement.type === 'empty') return []
  const facts: SqlFact[] = []
  const add = (kind: SqlFact['kind'], verb: string, isBounded: boolean): void =>
    void facts.push({ kind, verb, isBounded })
  const has = (node: { clauses: readonly { type: string }[] }): boolean =>
    node.clauses.some(({ type }) => type === 'where_clause')
  // Those within others, too: WITH x AS (DELETE ...).
  cstVisitor({
    delete_stmt: (node) => add('delete', 'delete', has(node) && !isAlways(node, text)),
    update_stmt: (node) => add('write', 'update', has(node) && !isAlways(node, text)),
    insert_stmt: () => add('write', 'insert', true),
    truncate_stmt: () => add('delete', 'truncate', false),
  })(statement)
  if (facts.length > 0) return facts
  const verb = statement.type.replace(/_stmt$/, '').replaceAll('_', ' ')
  const source = text.slice(statement.range?.[0] ?? 0).trimStart()
  if (statement.type === 'select_stmt' || statement.type === 'compound_select_stmt' || READS.test(source)) {
    const isWriting =
      /\binto\s+(?:outfile|dumpfile)\b|\b(?:load_file|pg_read_file|pg_write_file|lo_export|xp_cmdshell|load_extension)\s*\(/i.test(
        source,
      )
    return [
      {
        kind: isWriting ? 'admin' : 'read',
        verb: isWriting ? 'select into a file' : 'select',
        isBounded: true,
      },
    ]
  }
  if (/^(?:drop|rename)/.test(verb)) return [{ kind: 'delete', verb, isBounded: false }]
  if (/^(?:create|alter|comment|reindex)/.test(verb)) {
    const isAdmin = /user|role|function|procedure|trigger|extension|database|server|policy|owner/.test(verb)
    return [{ kind: isAdmin ? 'admin' : 'schema', verb, isBounded: true }]
  }
  if (/transaction|commit|rollback|savepoint|begin/.test(verb))
    return [{ kind: 'read', verb, isBounded: true }]
  return [{ kind: 'admin', verb, isBounded: false }]
}

/** `WHERE 1=1`, `WHERE true`: names no column. */
function isAlways(node: Node, text: string): boolean {
  const range = node.range
  if (range === undefined) return true
  const where = /\bwhere\b([\s\S]*)/i.exec(text.slice(range[0], range[1]))?.[1] ?? ''
  return !/[a-z_]/i.test(where.replace(/\b(?:true|false|null|not|and|or|is)\b|'[^']*'/gi, ''))
}
