import { type Document, isScalar, parseDocument, Scalar, visit, type YAMLError } from 'yaml'

/** A place in a text in YAML at which it is none, or says nothing that can be used. */
export interface YamlFault {
  readonly offset: number
  readonly reason: string
}

/** A part of a text that is not looked at, for something is wrong with it as YAML. */
export interface Damage {
  readonly start: number
  readonly end: number
  /** The field of the file that it stands in; undefined where that is not known. */
  readonly field: string | undefined
}

/** A document of which every part that is not damaged is as it stands in the text. */
export interface ReadYaml {
  readonly document: Document
  readonly faults: readonly YamlFault[]
  readonly damages: readonly Damage[]
}

/** What is wrong with one value alone; anything else wrong with YAML changes what the lines around it mean. */
const OF_A_VALUE: ReadonlySet<string> = new Set([
  'DUPLICATE_KEY',
  'TAG_RESOLVE_FAILED',
  'BAD_DQ_ESCAPE',
  'MULTIPLE_DOCS',
])
/** A text with more of them than this is another kind of file; a long one is not read as often. */
const MOST_ENTRIES = 20
const MOST_CHARACTERS = 1_000_000

/**
 * Reads a text entry by entry, as people write them: an element of a list, or a field. One that is no YAML is
 * told, blanked out, and the text is read again, so that what is wrong with the others is found in the same run and not
 * taken for something else.
 */
export function readYaml(text: string): ReadYaml {
  const faults: YamlFault[] = []
  const damages: Damage[] = []
  const most = Math.min(MOST_ENTRIES, MOST_CHARACTERS / text.length)
  let rest = text
  for (let entries = 0; ; entries++) {
    const document = parseDocument(rest, { prettyErrors: false })
    const error = document.errors.find(({ code }) => !OF_A_VALUE.has(code))
    if (error === undefined) return withoutUnusable(document, text, faults, damages)
    const before = leafBefore(document, error.pos[0])
    const isUnclosed = error.code === 'MISSING_CHAR' && before?.type?.startsWith('QUOTE')
    const offset = (isUnclosed ? before?.range?.[0] : undefined) ?? error.pos[0]
    faults.push({ offset, reason: `YAML: ${error.message}` })
    const blanked = blankedAt(rest, before?.range?.[0] ?? error.pos[0])
    if (blanked.text === rest || entries >= most) {
      return {
        document: parseDocument(''),
        faults,
        damages: [{ start: 0, end: text.length, field: undefined }],
      }
    }
    damages.push(blanked.damage)
    rest = blanked.text
  }
}

/** Tells what is wrong with single values, and leaves those out. */
function withoutUnusable(document: Document, text: string, faults: YamlFault[], damages: Damage[]): ReadYaml {
  for (const { code, message, pos } of [...document.errors, ...document.warnings] as YAMLError[]) {
    faults.push({ offset: pos[0], reason: `YAML: ${message}` })
    if (code === 'DUPLICATE_KEY') leaveOutPair(document, pos[0])
    damages.push({ start: pos[0], end: pos[1], field: fieldAt(text, pos[0]) })
  }
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined
      const nothing = new Scalar(null)
      nothing.range = alias.range ?? null
      const [start, end] = alias.range ?? [0, 0]
      faults.push({ offset: start, reason: `YAML: nothing is called &${alias.source} before` })
      damages.push({ start, end, field: fieldAt(text, start) })
      return nothing
    },
  })
  return { document, faults, damages }
}

/** The second of two fields of one name. Of both, the places of the first are known. */
function leaveOutPair(document: Document, offset: number): void {
  visit(document, {
    Pair: (_, { key }) => (isScalar(key) && key.range?.[0] === offset ? visit.REMOVE : undefined),
  })
}

/** The last text or number that begins before the place: the next one, at which a fault is found, may be none of its entry. */
function leafBefore(document: Document, offset: number): Scalar | undefined {
  let last: Scalar | undefined
  visit(document, {
    Scalar(_, node) {
      if ((node.range?.[0] ?? 0) < offset && (node.range?.[0] ?? 0) >= (last?.range?.[0] ?? 0)) last = node
    },
  })
  return last
}

/** The text without the entry around a place: blanks stand for it, so that all else keeps its place. */
function blankedAt(text: string, offset: number): { readonly text: string; readonly damage: Damage } {
  const own = startOfLine(text, offset)
  let [start, line] = [own, lineAt(text, own)]
  let end = start + line.length
  const depth = indentationOf(line)
  while (start > 0 && !(BEGINS.test(line) && (start === own || indentationOf(line) < depth))) {
    start = startOfLine(text, start - 1)
    line = lineAt(text, start)
  }
  const [kept = ''] = BEGINS.exec(line) ?? []
  for (let next = lineAt(text, end); end < text.length; next = lineAt(text, end)) {
    if (next.trim() !== '' && indentationOf(next) <= indentationOf(line)) break
    end += next.length
  }
  const damaged = text.slice(start, end)
  const without = (prefix: string) => prefix + damaged.slice(prefix.length).replace(/[^\r\n]/g, ' ')
  const blanked = without(kept) === damaged ? without('') : without(kept)
  const damage = { start, end, field: fieldAt(text, start) }
  return { text: text.slice(0, start) + blanked + text.slice(end), damage }
}

/** The beginning of an element of a list, or of a field, without its value. */
const BEGINS = /^ *(?:(?:- +)?[\w-]+:(?=\s)|-(?=\s))/

function startOfLine(text: string, offset: number): number {
  return offset <= 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1
}

/** With the end of the line. */
function lineAt(text: string, start: number): string {
  const end = text.indexOf('\n', start)
  return text.slice(start, end < 0 ? text.length : end + 1)
}

function indentationOf(line: string): number {
  return line.length - line.trimStart().length
}

function fieldAt(text: string, offset: number): string | undefined {
  const before = text.slice(0, offset) + lineAt(text, offset)
  return [...before.matchAll(/^([\w-]+):(?=\s)/gm)].at(-1)?.[1]
}
