import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOwnFile } from '@jamey/auth'
import { EFFECTS, ROLES, ToolCatalogue } from '@jamey/calls'
import { decisionSchema } from '@jamey/contracts'
import { z } from 'zod'
import type { Policy, PolicyText } from './policy.js'
import { type Condition, PolicyConditions } from './policy-condition.js'
import { RuleFileError } from './policy-errors.js'
import type { PolicyRule } from './rule.js'
import { RuleIndex } from './rule-index.js'
import { YamlSource } from './yaml-source.js'

/** The packs of rules that ship with this package. */
const PACKS_FILE = fileURLToPath(new URL('../../policies.yaml', import.meta.url))
/** The policy where none is given; `policy.cases.yaml` beside it has its cases. */
export const DEFAULT_POLICY_FILE = fileURLToPath(new URL('../../policy.yaml', import.meta.url))
const MAXIMUM_FILE_BYTES = 1_048_576

const ruleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and hyphens, such as no-payments')
const pointer = z.string().regex(/^(?:\/.*)?$/s, 'expected a JSON Pointer, such as /body, or nothing for all')
const changeSchema = z.union([
  z.strictObject({ argument: pointer, redact: z.literal('secrets') }),
  z.strictObject({ argument: pointer, at_most: z.number() }),
  z.strictObject({ argument: pointer, set: z.json() }),
  z.strictObject({ argument: pointer, remove: z.literal(true) }),
])
const ruleSchema = z.strictObject({
  name: ruleName,
  decision: decisionSchema,
  reason: z.string().trim().min(1).max(500),
  when: z.string().trim().min(1).max(5_000),
  approvers: z.union([z.literal(1), z.literal(2)], 'expected 1 or 2').optional(),
  transform: z.array(changeSchema).max(20).default([]),
  judge: z.literal('may-allow').optional(),
})
type RuleText = z.output<typeof ruleSchema>
const packsSchema = z.record(z.string(), z.array(ruleSchema))
const toolSchema = z.strictObject({
  effects: z.array(z.enum(EFFECTS)).default([]),
  arguments: z.record(z.string().max(200), z.enum(ROLES)).default({}),
  untrusted: z.boolean().default(true),
  annotations: z.literal('believed').optional(),
})
const listsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.array(z.string().max(1_000)).max(10_000))
  .default({})
const toolsSchema = z.record(z.string().min(1).max(200), toolSchema).default({})
const workspaceSchema = z.string().startsWith('/', 'expected an absolute path').optional()
/** Suppositions of cases about a policy: a workspace in the place of its own, the rest beside what it has itself. */
export const supposedSchema = z.strictObject({
  workspace: workspaceSchema,
  lists: listsSchema,
  tools: toolsSchema,
})
export type Supposed = z.output<typeof supposedSchema>
const fileSchema = z.strictObject({
  version: z.union([z.string().min(1).max(40), z.number()]),
  include: z.array(z.string()).default([]),
  without: z.array(ruleName).default([]),
  workspace: workspaceSchema,
  lists: listsSchema,
  tools: toolsSchema,
  rules: z.array(ruleSchema).max(500).default([]),
})
type PolicyFile = z.output<typeof fileSchema>

export interface PolicyPlace {
  /** Absolute; where the file names none. The current folder by default. */
  readonly workspace?: string | undefined
  /** Absolute; the user's own by default. */
  readonly home?: string | undefined
}

/**
 * Reads and checks a policy file, that of this package by default. Throws RuleFileError with every fault at once, each
 * with its line.
 */
export function loadPolicy(file: string = DEFAULT_POLICY_FILE, place: PolicyPlace = {}): Policy {
  try {
    return parsePolicy(readPolicy(file), file, place)
  } catch (error) {
    if (error instanceof RuleFileError) throw error
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const reason = isAbsent
      ? 'there is no such file'
      : `cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new RuleFileError([{ file, line: 1, column: 1, reason }], error)
  }
}

/** The policy of this package is believed as the package is, whoever owns its files. */
function readPolicy(file: string): string {
  if (file === DEFAULT_POLICY_FILE) return readFileSync(file, 'utf8')
  return readOwnFile(file, { maximumBytes: MAXIMUM_FILE_BYTES })
}

/** The policy once more of which this was the `source`, such as in another thread. */
export function policyOf({ text, file, workspace, home }: PolicyText): Policy {
  return parsePolicy(text, file, { workspace, home })
}

/** The same policy with what cases suppose: their workspace, entries of lists beside its own, and tools that it does not name. */
export function supposing({ source: { text, file, workspace, home } }: Policy, supposed: Supposed): Policy {
  return parsed(text, file, { workspace, home }, supposed)
}

/** `loadPolicy` for text at hand; `file` is named in faults. */
export function parsePolicy(text: string, file: string, place: PolicyPlace = {}): Policy {
  return parsed(text, file, place, { lists: {}, tools: {} })
}

function parsed(text: string, file: string, place: PolicyPlace, supposed: Supposed): Policy {
  const source = new YamlSource(text, file)
  const content = source.content(fileSchema)
  if (content === undefined) {
    const reason = otherFileIn(source.value())
    throw new RuleFileError(
      reason === undefined ? source.sortedFaults() : [{ file, line: 1, column: 1, reason }],
    )
  }
  const packsText = readFileSync(PACKS_FILE, 'utf8')
  const conditions = new PolicyConditions()
  const lists = joinedLists({ accounts: [], hosts: [], recipients: [] }, content.lists, supposed.lists)
  const rules = compiled({ ...content, lists }, source, packsOf(packsText), conditions)
  const faults = source.sortedFaults()
  if (faults.length > 0) throw new RuleFileError(faults)
  const hash = createHash('sha256').update(packsText).update(text).digest('hex').slice(0, 8)
  const { workspace = process.cwd(), home = homedir() } = place
  return {
    version: `${content.version}-${hash}`,
    source: { file, text, workspace, home },
    rules,
    index: new RuleIndex(rules, conditions.met),
    lists,
    facts: {
      workspace: supposed.workspace ?? content.workspace ?? workspace,
      home,
      tools: toolsOf({ ...supposed.tools, ...content.tools }),
      guards: isAbsolute(file) ? [file] : [],
    },
  }
}

type Lists = PolicyFile['lists']

function joinedLists(...all: readonly Lists[]): Lists {
  const joined: Lists = {}
  for (const lists of all)
    for (const [name, values] of Object.entries(lists)) joined[name] = [...(joined[name] ?? []), ...values]
  return joined
}

/** The kind of file that was taken for a policy. */
function otherFileIn(content: unknown): string | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const names = Object.keys(content)
  if (names.includes('cases') && !names.includes('version'))
    return 'this is a file of cases, and no policy: `jamey policy test POLICY --cases FILE` tries them'
  const packs = Object.entries(content).filter(([, rules]) => Array.isArray(rules) && rules.some(isRule))
  if (packs.length === 0 || packs.length < names.length || names.some((name) => name in fileSchema.shape))
    return undefined
  return `this is a file of packs of rules (${names.join(', ').slice(0, 200)}), and no policy: a policy names the packs that ship in its include, such as \`include: [work, shell]\`, and has rules of its own in rules`
}

function isRule(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'decision' in value && 'when' in value
}

type Packs = Readonly<Record<string, readonly RuleText[]>>

function packsOf(text: string): Packs {
  const source = new YamlSource(text, PACKS_FILE)
  const packs = source.content(packsSchema)
  if (packs === undefined) throw new RuleFileError(source.sortedFaults())
  return packs
}

/** A rule of the file stands in the place of one of the same name in a pack. */
function compiled(
  content: PolicyFile,
  source: YamlSource,
  packs: Packs,
  conditions: PolicyConditions,
): PolicyRule[] {
  const named = new Map<string, PolicyRule>()
  content.include.forEach((name, i) => {
    const pack = Object.hasOwn(packs, name) ? packs[name] : undefined
    if (pack === undefined) {
      source.fault(['include', i], `there is no pack ${name}; there are ${Object.keys(packs).join(', ')}`)
    }
    for (const rule of pack ?? []) named.set(rule.name, ruleOf(rule, conditions.compile(rule.when)))
  })
  content.without.forEach((name, i) => {
    if (!named.delete(name)) source.fault(['without', i], `there is no rule ${name} to leave out`)
  })
  const own = new Set<string>()
  const lists = Object.keys(content.lists)
  content.rules.forEach((rule, i) => {
    if (own.has(rule.name)) source.fault(['rules', i, 'name'], `the name ${rule.name} is already used`)
    own.add(rule.name)
    const condition = source.attempt(['rules', i, 'when'], `condition of ${rule.name}`, () => {
      conditions.checkMembers(rule.when, lists)
      return conditions.compile(rule.when)
    })
    if (condition === undefined) return
    const fault = contradictionIn(rule, condition)
    if (fault !== undefined)
      source.fault(['rules', i, fault.field], `rules.${i}.${fault.field}: ${fault.reason}`)
    named.set(rule.name, ruleOf(rule, condition))
  })
  return [...named.values()]
}

function ruleOf(
  { name, decision, reason, approvers, transform, judge }: RuleText,
  condition: Condition,
): PolicyRule {
  const mayBeJudged = judge === 'may-allow'
  const { needs, applies, readsContext } = condition
  return { name, decision, reason, approvers, changes: transform, mayBeJudged, needs, applies, readsContext }
}

/** The fault of a rule that says two things which do not go together. */
function contradictionIn(
  { decision, transform, judge }: RuleText,
  { readsContext, readsIntent }: Condition,
): { field: keyof RuleText; reason: string } | undefined {
  if (decision === 'allow' && (readsContext || readsIntent)) {
    const what = readsContext ? 'context' : 'intent'
    const reason = `a rule that allows cannot look at ${what}, which whoever asks writes; attested may be meant`
    return { field: 'when', reason }
  }
  if (decision === 'deny' && transform.length > 0)
    return { field: 'transform', reason: 'a rule that denies changes nothing' }
  if (decision !== 'ask' && judge !== undefined)
    return { field: 'judge', reason: 'only what a rule asks may be allowed by a judge' }
  return undefined
}

function toolsOf(tools: PolicyFile['tools']): ToolCatalogue {
  return new ToolCatalogue(
    Object.fromEntries(
      Object.entries(tools).map(([name, tool]) => {
        const { effects, arguments: roles, untrusted: isUntrusted, annotations } = tool
        return [name, { effects, roles, isUntrusted, believesAnnotations: annotations === 'believed' }]
      }),
    ),
  )
}
