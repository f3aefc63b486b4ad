import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { JameyError, readOwnFile } from '@jamey/auth'
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml'
import { z } from 'zod'
import { type Condition, ConditionCompiler, ConditionError } from './condition.js'

export type Effect = 'forbid' | 'discourage' | 'encourage'

export interface Rule {
  readonly name: string
  readonly description: string
  /** Above 0, up to 10. */
  readonly weight: number
  readonly effect: Effect
  readonly condition: Condition
}

/** What a rule file says. */
export interface RuleText {
  readonly file: string
  readonly text: string
}

/** A checked rule file. `version` is the file's own version and the start of its SHA-256, such as `1-5f1d7a84`. */
export interface RuleSet {
  readonly file: string
  readonly version: string
  readonly rules: readonly Rule[]
  /** What they were made of, the file itself last; `rulesOf` makes them again, in another thread. */
  readonly texts: readonly RuleText[]
}

/** One thing wrong with a rule file. Line and column count from 1. */
export interface RuleFault {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly reason: string
}

/** A rule file was refused. The message holds one `file:line:column: reason` line per fault, all of them. */
export class RuleFileError extends JameyError<'rule-file-invalid'> {
  override readonly name = 'RuleFileError'
  readonly faults: readonly RuleFault[]

  constructor(faults: readonly RuleFault[], cause?: unknown) {
    const lines = faults.map((fault) => `${fault.file}:${fault.line}:${fault.column}: ${fault.reason}`)
    super('rule-file-invalid', `The conscience's rules cannot be used:\n${lines.join('\n')}`, { cause })
    this.faults = faults
  }
}

/** The rules that ship with this package. */
export const DEFAULT_RULES_FILE = fileURLToPath(new URL('../../rules.yaml', import.meta.url))

const MAXIMUM_FILE_BYTES = 1_048_576

const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'expected a name of lower-case letters, digits and _')
const conditionSchema = z.string().trim().min(1).max(5_000)
const wordsSchema = z.record(nameSchema, z.array(z.string().min(1).max(100)).min(1).max(2_000))

const ruleSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and hyphens, such as no-harm'),
  description: z.string().trim().min(1).max(500),
  weight: z.number().gt(0, 'expected a weight above 0').lte(10, 'expected a weight of at most 10'),
  effect: z.enum(['forbid', 'discourage', 'encourage']),
  condition: conditionSchema,
})

const fileSchema = z
  .strictObject({
    version: z.union([z.string().min(1).max(40), z.number()]),
    extends: z.literal('shipped').optional(),
    without: z.array(z.string()).default([]),
    words: wordsSchema.default({}),
    definitions: z.record(nameSchema, conditionSchema).default({}),
    rules: z.array(ruleSchema).max(500).default([]),
  })
  .refine((file) => file.extends !== undefined || file.rules.length > 0, {
    path: ['rules'],
    message: "expected a rule, or 'extends: shipped'",
  })
  .refine((file) => file.extends !== undefined || file.without.length === 0, {
    path: ['without'],
    message: "expected 'extends: shipped' beside it, whose rules it names",
  })

type RuleFile = z.output<typeof fileSchema>
type Path = readonly PropertyKey[]

/**
 * Reads and checks a rule file. Throws RuleFileError with every fault at once: YAML, unknown or missing fields,
 * weights, names used twice, and each condition's syntax, names and types.
 *
 * A file is all the rules there are, unless it says `extends: shipped`: then it adds to the rules of this package, and
 * a word list, definition or rule of the same name stands in the place of theirs.
 */
export function loadRules(file: string = DEFAULT_RULES_FILE): RuleSet {
  return parseRules(readRules(file), file)
}

function readRules(file: string): string {
  try {
    // Whoever installed this package is believed with it.
    if (file === DEFAULT_RULES_FILE) return readFileSync(file, 'utf8')
    return readOwnFile(file, { maximumBytes: MAXIMUM_FILE_BYTES })
  } catch (error) {
    const reason = `cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new RuleFileError([{ file, line: 1, column: 1, reason }], error)
  }
}

/** `loadRules` for text at hand; `file` is named in faults. */
export function parseRules(text: string, file: string): RuleSet {
  const own = partOf({ file, text })
  return setOf(own.content.extends === undefined ? [] : [shippedPart()], own)
}

/** The rules once more of which these were the `texts`. */
export function rulesOf(texts: RuleSet['texts']): RuleSet {
  const parts = texts.map(partOf)
  return setOf(parts.slice(0, -1), parts.at(-1) as Part)
}

/** One file of a rule set, checked as far as its shape goes. */
interface Part extends RuleText {
  readonly source: Source
  readonly content: RuleFile
}

function partOf({ file, text }: RuleText): Part {
  const source = new Source(text, file)
  const content = source.content()
  if (content === undefined) throw new RuleFileError(source.sortedFaults())
  return { file, text, source, content }
}

/** The rules of this package, for files that extend them. */
function shippedPart(): Part {
  return partOf({ file: DEFAULT_RULES_FILE, text: readRules(DEFAULT_RULES_FILE) })
}

function setOf(before: readonly Part[], own: Part): RuleSet {
  const parts = [...before, own]
  const rules = compileRules(parts, own)
  const faults = parts.flatMap(({ source }) => source.sortedFaults())
  if (faults.length > 0) throw new RuleFileError(faults)
  const hash = createHash('sha256')
  for (const { text } of parts) hash.update(text)
  const version = `${own.content.version}-${hash.digest('hex').slice(0, 8)}`
  return { file: own.file, version, rules, texts: parts.map(({ file, text }) => ({ file, text })) }
}

/** What a file says under a name, and where it says so. */
interface Named<T> {
  readonly value: T
  readonly source: Source
  readonly path: Path
}

/** What a later part says under the same name stands in the place of the earlier. */
function namedIn<T>(
  parts: readonly Part[],
  field: 'words' | 'definitions',
  of: (part: Part) => Readonly<Record<string, T>>,
): Map<string, Named<T>> {
  const named = new Map<string, Named<T>>()
  for (const part of parts) {
    for (const [name, value] of Object.entries(of(part))) {
      named.set(name, { value, source: part.source, path: [field, name] })
    }
  }
  return named
}

function compileRules(parts: readonly Part[], own: Part): Rule[] {
  const compiler = compilerFor(parts)
  const named = new Map<string, Named<RuleFile['rules'][number]>>()
  for (const { content, source } of parts) addRules(named, content, source)
  for (const [index, name] of own.content.without.entries()) {
    if (!named.delete(name)) own.source.fault(['without', index], `there is no rule ${name} to leave out`)
  }
  return [...named.values()].flatMap(({ value: rule, source, path }) => {
    const condition = source.attempt([...path, 'condition'], `condition of ${rule.name}`, () =>
      compiler.compile(rule.condition),
    )
    return condition === undefined ? [] : [{ ...rule, condition }]
  })
}

function addRules(
  named: Map<string, Named<RuleFile['rules'][number]>>,
  { rules }: RuleFile,
  source: Source,
): void {
  const seen = new Map<string, number>()
  for (const [index, rule] of rules.entries()) {
    const earlier = seen.get(rule.name)
    if (earlier !== undefined) {
      source.fault(['rules', index, 'name'], `the name ${rule.name} is already used by rule ${earlier + 1}`)
    }
    seen.set(rule.name, earlier ?? index)
    // One of two with the same name would otherwise go unchecked.
    const key = earlier === undefined ? rule.name : `${rule.name} ${index}`
    named.set(key, { value: rule, source, path: ['rules', index] })
  }
}

/** A compiler that knows all words and definitions; bad ones are reported, so that the rest is still checked. */
function compilerFor(parts: readonly Part[]): ConditionCompiler {
  const usable: Record<string, readonly string[]> = {}
  for (const [name, { value, source, path }] of namedIn(parts, 'words', ({ content }) => content.words)) {
    const compiler = source.attempt(path, `word list ${name}`, () => new ConditionCompiler({ [name]: value }))
    if (compiler !== undefined) usable[name] = value
  }
  const compiler = new ConditionCompiler(usable)
  const definitions = namedIn(parts, 'definitions', ({ content }) => content.definitions)
  for (const [name, { value, source, path }] of definitions) {
    source.attempt(path, `definition ${name}`, () => compiler.define(name, value))
  }
  return compiler
}

/** The text of a rule file with the places of everything in it. */
class Source {
  readonly faults: RuleFault[] = []
  readonly #text: string
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #document: Document

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    for (const problem of [...this.#document.errors, ...this.#document.warnings]) {
      this.#faultAt(problem.pos[0], `YAML: ${problem.message}`)
    }
  }

  /** The checked content, or `undefined` when there is too much wrong to look further. */
  content(): RuleFile | undefined {
    if (this.faults.length > 0) return undefined
    const checked = fileSchema.safeParse(this.#plain(), { reportInput: true })
    if (checked.success) return checked.data
    for (const issue of checked.error.issues) this.#report(issue)
    return undefined
  }

  /** Notes what is wrong with the value at the path; `offset` points into it. */
  fault(path: Path, reason: string, offset = 0): void {
    const node = this.#nodeAt(path)
    this.#faultAt(this.#offsetIn(node, offset), reason)
  }

  /** The result of the work, or a fault at the path and `undefined`. */
  attempt<T>(path: Path, what: string, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.fault(path, `${what}: ${reason}`, error instanceof ConditionError ? error.offset : 0)
      return undefined
    }
  }

  sortedFaults(): RuleFault[] {
    return [...this.faults].sort((a, b) => a.line - b.line || a.column - b.column)
  }

  #plain(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      this.#faultAt(0, `YAML: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  #report(issue: z.core.$ZodIssue): void {
    const where = issue.path.map(String).join('.') || 'the file'
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        this.#faultAt(this.#keyOffset(issue.path, key), `${where}: unknown field ${key}`)
      return
    }
    const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input)?.slice(0, 60)
    this.fault(issue.path, `${where}: ${issue.message} (found ${found})`)
  }

  #faultAt(offset: number, reason: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.faults.push({ file: this.#file, line: Math.max(1, line), column: Math.max(1, col), reason })
  }

  /** The node at the path, or the nearest one above it when a field is missing. */
  #nodeAt(path: Path): Node | undefined {
    for (let length = path.length; length >= 0; length--) {
      const node: unknown = this.#document.getIn(path.slice(0, length), true)
      if (isNode(node)) return node
    }
    return undefined
  }

  #keyOffset(path: Path, key: string): number {
    const parent = this.#nodeAt(path)
    const pair = isMap(parent)
      ? parent.items.find((item: Pair) => isScalar(item.key) && item.key.value === key)
      : undefined
    return (isScalar(pair?.key) ? pair.key.range?.[0] : undefined) ?? parent?.range?.[0] ?? 0
  }

  /**
   * Where the character at `offset` of a string stands in the file. Folding changes only white space, so the count
   * of other characters before it is the same in the value and in the file.
   */
  #offsetIn(node: Node | undefined, offset: number): number {
    const start = node?.range?.[0] ?? 0
    if (!isScalar(node) || typeof node.value !== 'string' || offset === 0) return start
    const isBlock = node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL'
    let at = isBlock ? this.#text.indexOf('\n', start) + 1 : start + (node.type?.startsWith('QUOTE') ? 1 : 0)
    let left = node.value.slice(0, offset).replace(/\s/g, '').length
    while (at < this.#text.length && (left > 0 || /\s/.test(this.#text[at] ?? ''))) {
      if (!/\s/.test(this.#text[at] ?? '')) left--
      at++
    }
    return at
  }
}
