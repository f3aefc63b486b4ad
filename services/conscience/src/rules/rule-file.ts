import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readOwnFile } from '@jamey/auth'
import { z } from 'zod'
import { type Condition, ConditionCompiler } from './condition.js'
import { type Path, RuleFileError, Source } from './source.js'

export { type RuleFault, RuleFileError } from './source.js'

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
  const content = source.content(fileSchema)
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
