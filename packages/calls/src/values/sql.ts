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

const BEGINNINGS = [
  'select\\b[^]*(?:\\bfrom\\b|\\()',
  'with\\b[^]*\\bas\\s*\\(',
  '(?:insert|replace|merge)\\s+into\\b',
  'update\\s+\\S+\\s+set\\b',
  'delete\\s+from\\b',
  '(?:drop|alter|create|truncate)\\s+(?:or\\s+replace\\s+)?(?:table|view|index|database|schema|user|role|function|procedure|trigger|sequence|column)\\b',
  'truncate\\s+\\w+\\s*;?\\s*$',
  '(?:grant|revoke)\\s+\\w+',
]
const STATEMENT = new RegExp(
  `^(?:[\\s(;]|--[^\\n]*\\n|/\\*(?:[^*]|\\*(?!/))*\\*/)*(?:${BEGINNINGS.join('|')})`,
  'i',
)

/** Whether a text that may as well be words to search by begins as a statement does. */
export function looksLikeSql(text: string): boolean {
  return STATEMENT.test(text.slice(0, LONGEST_BEGINNING))
}
const LONGEST_BEGINNING = 2_000

/** Where one begins comments, quotes or names otherwise than another. */
const READ_OTHERWISE = /[\\#`$[\]]|--(?![\s]|$)|\/\*/

/** Every statement of a text, in the first dialect that takes it; where they may read it otherwise, in each of them. */
export function readSql(text: string): SqlReading {
  if (/\/\*M?!/.test(text)) return { statements: [], unread: 'SQL with a comment that MySQL runs' }
  if (text.length > MAXIMUM_CHARACTERS) return { statements: [], unread: `SQL of ${text.length} characters` }
  const found: SqlFact[] = []
  let isTaken = false
  for (const dialect of DIALECTS) {
    // To MySQL `--1` is no comment but minus minus one.
    const read = dialect === 'mysql' ? text.replaceAll(/--(?=\S)/g, '- -') : text
    try {
      const program = parse(read, { dialect, includeRange: true })
      found.push(...program.statements.flatMap((statement) => factsOf(statement as Node, read)))
      isTaken = true
      if (!READ_OTHERWISE.test(text)) break
    } catch {
      // The next dialect may take it.
    }
  }
  const statements = found.filter((one, i) => found.findIndex((other) => isSame(one, other)) === i)
  return isTaken ? { statements, unread: undefined } : { statements: [], unread: 'SQL that no dialect takes' }
}

function isSame(one: SqlFact, other: SqlFact): boolean {
  return one.kind === other.kind && one.verb === other.verb && one.isBounded === other.isBounded
}

/** Tables in which databases keep passwords. */
const PASSWORDS =
  /\b(?:pg_shadow|pg_authid|pg_user_mappings?|sql_logins)\b|\bmysql[`"\s]*\.[`"\s]*(?:user|global_priv)\b/i
/** `EXPLAIN ANALYZE x` runs x. */
const RUNS = /^(?:explain|describe|desc)\b[^;]{0,200}?\banalyze\b/i
const ONLY_READS =
  /\banalyze\b(?:\s+(?:verbose|true|on|1)\b)?(?:\s*,[\w\s,]*)?\s*\)?\s*(?:format\s*=\s*\w+\s*)?\(*\s*(?:select|with|values|table)\b/i

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
    merge_stmt: () => add('delete', 'merge', false),
    into_table_clause: () => add('schema', 'select into a table', true),
    into_outfile_clause: () => add('admin', 'select into a file', false),
    into_dumpfile_clause: () => add('admin', 'select into a file', false),
  })(statement)
  const calls = functionsIn(statement, text).filter((name) => !FUNCTIONS.has(name))
  for (const name of calls) add('admin', `${name}()`, false)
  if (facts.length > 0) return facts
  const verb = statement.type.replace(/_stmt$/, '').replaceAll('_', ' ')
  const source = text.slice(statement.range?.[0] ?? 0).trimStart()
  if (statement.type === 'select_stmt' || statement.type === 'compound_select_stmt' || READS.test(source)) {
    if (
      statement.type === 'pragma_stmt' &&
      !/^pragma\s+(?:\w+\.)?(?:\w+\s*;?\s*$|\w*(?:_info|_list|_xinfo|_check)\b)/i.test(source)
    )
      return [{ kind: 'admin', verb: 'pragma', isBounded: false }]
    if (PASSWORDS.test(source)) return [{ kind: 'admin', verb: 'select of passwords', isBounded: true }]
    if (RUNS.test(source) && !ONLY_READS.test(source.replace(/\s+/g, ' ').slice(0, LONGEST_BEGINNING)))
      return [{ kind: 'admin', verb: 'explain analyze', isBounded: false }]
    return [{ kind: 'read', verb: 'select', isBounded: true }]
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

/** Functions that compute and do nothing else, in any of the dialects; others may do anything. */
const FUNCTIONS: ReadonlySet<string> = new Set(
  (
    'count sum avg min max total abs ceil ceiling floor round sign sqrt power pow exp ln log log2 log10 mod trunc truncate greatest least random rand pi degrees radians sin cos tan asin acos atan atan2 cot div ' +
    'coalesce nullif ifnull isnull if iif nvl decode case cast convert try_cast typeof pg_typeof ' +
    'length len char_length character_length octet_length bit_length lower upper lcase ucase initcap trim ltrim rtrim btrim substr substring mid left right lpad rpad repeat reverse replace translate concat concat_ws group_concat string_agg array_agg listagg format printf quote quote_literal quote_ident instr position locate strpos ascii char chr unicode hex unhex encode decode md5 sha1 sha2 sha256 sha512 crc32 soundex split_part regexp_replace regexp_match regexp_matches regexp_like regexp_substr regexp_instr regexp_count starts_with ends_with contains to_char to_number to_base64 from_base64 elt field find_in_set ' +
    'now current_timestamp current_date current_time localtime localtimestamp sysdate getdate curdate curtime utc_timestamp date time datetime timestamp julianday strftime date_trunc date_part date_add date_sub date_diff datediff dateadd timestampdiff timestampadd datename datepart date_format time_format str_to_date to_date to_timestamp from_unixtime unix_timestamp extract year month day hour minute second quarter week weekday dayofweek dayofmonth dayofyear dayname monthname last_day makedate maketime make_date make_time make_timestamp make_interval age unixepoch ' +
    'row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value percentile_cont percentile_disc stddev stddev_pop stddev_samp variance var_pop var_samp median mode corr covar_pop covar_samp bit_and bit_or bool_and bool_or every grouping ' +
    'json json_array json_object json_extract json_value json_query json_each json_tree json_type json_valid json_array_length json_group_array json_group_object json_agg jsonb_agg json_build_object jsonb_build_object json_array_elements jsonb_array_elements jsonb_array_length json_object_keys jsonb_object_keys to_json to_jsonb row_to_json json_contains json_length json_keys json_unquote ' +
    'array array_length array_position array_append array_cat array_to_string string_to_array unnest cardinality generate_series any all some exists in values row ' +
    'version database schema current_database current_schema user current_user session_user connection_id last_insert_rowid last_insert_id changes total_changes sqlite_version pg_size_pretty pg_total_relation_size pg_relation_size pg_database_size uuid gen_random_uuid newid bm25 highlight snippet match_phrase'
  ).split(' '),
)

function functionsIn(statement: Node, text: string): string[] {
  const names: string[] = []
  cstVisitor({
    func_call: ({ name }) => {
      const [from, to] = name.range ?? [0, 0]
      names.push(
        text
          .slice(from, to)
          .toLowerCase()
          .replace(/["`[\]\s]/g, '')
          .replace(/^pg_catalog\./, ''),
      )
    },
  })(statement)
  return names
}
