import type { CallEntry, Entry, ResultEntry } from './session-entry.js'

/** A word that is set, with its value where that is neither an option nor a script: `N=5`, `export F='src/a.ts'`. */
const SETS = /(?<![\w$.-])([A-Za-z_]\w{0,99})\+?=((["']?)(?!-)[\w./:@%+,=~^-]{0,200}\3(?=[\s;&|)]|$))?/g
/** `read N`, which sets a variable to a line of something. */
const READS = /\b(?:read|mapfile|readarray)((?:[ \t]+[\w-]+){1,10})/g
const NONE: readonly string[] = []
/** Texts of calls do not change. */
const KNOWN = new WeakMap<CallEntry, readonly string[]>()

/** Variables that calls of a tool may have left in its shell, with any text in them. */
export function variablesLeft(
  entries: readonly Entry[],
  outcomes: WeakMap<CallEntry, ResultEntry['outcome']>,
  tool: string,
): readonly string[] {
  let found: Set<string> | undefined
  for (const entry of entries) {
    if (entry.kind !== 'call' || entry.tool !== tool) continue
    if (entry.decision === 'deny' || outcomes.get(entry) === 'skipped') continue
    const names = setBy(entry)
    if (names.length === 0) continue
    found ??= new Set()
    for (const name of names) found.add(name)
  }
  return found === undefined ? NONE : [...found]
}

function setBy(entry: CallEntry): readonly string[] {
  let names = KNOWN.get(entry)
  if (names === undefined) {
    const { text = '' } = entry
    const set = [...text.matchAll(SETS)].flatMap(([, name = '', plain]) => (plain === undefined ? name : []))
    const read = [...text.matchAll(READS)].flatMap(
      ([, words = '']) => words.match(/(?<![\w-])[A-Za-z_]\w*/g) ?? [],
    )
    names = set.length + read.length === 0 ? NONE : [...set, ...read]
    KNOWN.set(entry, names)
  }
  return names
}
