import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOwnFile } from '@jamey/auth'
import { ToolCatalogue } from '@jamey/calls'
import type { Policy, PolicyText } from './policy.js'
import { OWN_LISTS, PolicyCheck, soundPart } from './policy-check.js'
import { type Condition, PolicyConditions } from './policy-condition.js'
import { RuleFileError } from './policy-errors.js'
import {
  fileSchema,
  type Lists,
  type Packs,
  type PolicyFile,
  packsSchema,
  type RuleText,
  type Supposed,
} from './policy-schema.js'
import type { PolicyRule } from './rule.js'
import { RuleIndex } from './rule-index.js'
import { YamlSource } from './yaml-source.js'

/** The packs of rules that ship with this package. */
const PACKS_FILE = fileURLToPath(new URL('../../policies.yaml', import.meta.url))
/** The policy where none is given; `policy.cases.yaml` beside it has its cases. */
export const DEFAULT_POLICY_FILE = fileURLToPath(new URL('../../policy.yaml', import.meta.url))
const MAXIMUM_FILE_BYTES = 1_048_576

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
  const reason = content === undefined ? otherFileIn(source.value()) : undefined
  if (reason !== undefined) throw new RuleFileError([{ file, line: 1, column: 1, reason }])
  const packsText = readFileSync(PACKS_FILE, 'utf8')
  const packs = packsOf(packsText)
  const conditions = new PolicyConditions()
  new PolicyCheck(source, packs, conditions).check(content ?? soundPart(source))
  const faults = source.sortedFaults()
  if (content === undefined || faults.length > 0) throw new RuleFileError(faults)
  const lists = joinedLists(OWN_LISTS, content.lists, supposed.lists)
  const rules = compiled(content, packs, conditions)
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

function packsOf(text: string): Packs {
  const source = new YamlSource(text, PACKS_FILE)
  const packs = source.content(packsSchema)
  if (packs === undefined) throw new RuleFileError(source.sortedFaults())
  return packs
}

/** A rule of the file stands in the place of one of the same name in a pack. */
function compiled(
  { include, without, rules }: PolicyFile,
  packs: Packs,
  conditions: PolicyConditions,
): PolicyRule[] {
  const named = new Map<string, PolicyRule>()
  const add = (rule: RuleText) => named.set(rule.name, ruleOf(rule, conditions.compile(rule.when)))
  for (const name of include) packs[name]?.forEach(add)
  for (const name of without) named.delete(name)
  rules.forEach(add)
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
