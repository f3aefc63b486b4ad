import type { Circumstances } from './circumstances.js'
import { areMet, type Met, type MetNeeds } from './needs.js'
import type { PolicyRule } from './rule.js'

/** Kinds of calls that rules are kept together for; there are as many as there are sets of effects and facts. */
const MAXIMUM_KINDS = 1_000

/**
 * The rules of a policy by what they need, so that a call is tried with those alone that its kind may bring to apply:
 * what it does, which facts there are of it, and its tool, where a rule is of that tool.
 */
export class RuleIndex {
  readonly #rules: readonly PolicyRule[]
  readonly #met: MetNeeds
  /** Tools that rules are about alone. */
  readonly #tools: ReadonlySet<string>
  /** By tool (empty for all that no rule is about), lists and words. */
  readonly #byKind = new Map<string, Map<number, Map<number, readonly PolicyRule[]>>>()
  #kinds = 0

  constructor(rules: readonly PolicyRule[], met: MetNeeds) {
    this.#rules = rules
    this.#met = met
    this.#tools = new Set(rules.flatMap(({ needs }) => needs.tool ?? []))
  }

  /** In the order of the policy; each of the others is false under both. */
  candidates(circumstances: Circumstances, otherwise = circumstances): readonly PolicyRule[] {
    const met = this.#met.of(circumstances)
    const other = otherwise === circumstances ? met : this.#met.of(otherwise)
    return this.#ofKind(met.tool, met.lists | other.lists, met.words | other.words)
  }

  #ofKind(tool: string, lists: number, words: number): readonly PolicyRule[] {
    const named = this.#tools.has(tool) ? tool : ''
    const found = this.#byKind.get(named)?.get(lists)?.get(words)
    if (found !== undefined) return found
    const kind: Met = { tool, lists, words, programs: undefined }
    const rules = this.#rules.filter(({ needs }) => areMet(needs, kind))
    this.#remember(named, lists, words, rules)
    return rules
  }

  #remember(tool: string, lists: number, words: number, rules: readonly PolicyRule[]): void {
    if (this.#kinds >= MAXIMUM_KINDS) {
      this.#byKind.clear()
      this.#kinds = 0
    }
    const ofTool = this.#byKind.get(tool) ?? new Map<number, Map<number, readonly PolicyRule[]>>()
    const ofLists = ofTool.get(lists) ?? new Map<number, readonly PolicyRule[]>()
    this.#byKind.set(tool, ofTool.set(lists, ofLists.set(words, rules)))
    this.#kinds++
  }
}
