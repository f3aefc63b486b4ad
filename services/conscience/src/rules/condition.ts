import {
  type ASTNode,
  TypeError as CelTypeError,
  Environment,
  EvaluationError,
  ParseError,
  type ParseResult,
} from '@marcbachmann/cel-js'
import type { Deed } from '../language/ordinary-day.js'
import { Reading } from '../language/reading.js'
import { type FactMap, flag, moneyIn, numberOf, saying } from './values.js'

/** What a condition is evaluated over. */
export interface Case {
  readonly action: string
  readonly context: FactMap
  readonly user: FactMap
}

/** A condition that cannot be used; `offset` counts UTF-16 units from the start of the expression. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

export interface Outcome {
  readonly holds: boolean
  /** The words and facts that made the condition's functions answer yes. */
  readonly evidence: readonly string[]
}

/** A compiled condition. It throws where it cannot be evaluated. */
export type Condition = (facts: Case) => Outcome

const MAXIMUM_NESTED_LOOPS = 2
const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'transformList', 'transformMap'])
/** Of one case: its action, and what its circumstances say. */
const MAXIMUM_REMEMBERED_READINGS = 16

/**
 * Compiles conditions in CEL over `action` (string), `context` and `user` (maps), the word lists of the rule file,
 * and functions that never fail on a missing field: see `rules.yaml` for what each one does.
 */
export class ConditionCompiler {
  readonly #environment: Environment
  /** Evaluations may take turns, so each keeps its own. */
  readonly #outcomes = new WeakMap<Case, Map<string, Outcome>>()
  readonly #readings = new WeakMap<Case, Map<string, Reading | Error>>()
  #case: Case | undefined
  #evidence: string[] = []

  /** Throws an Error naming the list when a name is taken. */
  constructor(lists: Readonly<Record<string, readonly string[]>>) {
    this.#environment = new Environment({ limits: { maxAstNodes: 1_000, maxDepth: 60 } })
      .registerVariable('action', 'string')
      .registerVariable('context', 'map')
      .registerVariable('user', 'map')
    for (const [name, words] of Object.entries(lists)) {
      this.#environment.registerConstant(name, 'list<string>', words)
    }
    this.#registerReading()
    this.#registerFacts()
  }

  /** Throws ConditionError for a syntax error, an unknown name, a wrong type, or work without a bound. */
  compile(expression: string): Condition {
    const program = this.#parse(expression)
    const checked = program.check()
    if (!checked.valid) throw conditionError(checked.error, expression)
    if (checked.type !== 'bool') {
      const hint = checked.type === 'dyn' ? '; compare it, or use flag(context, "name", false)' : ''
      throw new ConditionError(`a condition must be a bool, this one is a ${checked.type}${hint}`, 0)
    }
    assertBounded(program.ast, 0)
    return (facts) => {
      this.#case = facts
      return this.#run(program, facts)
    }
  }

  /**
   * Makes a condition available to those compiled later as `name()`; it is evaluated at most once per case. A
   * faulty one is defined as well, so that its users are not reported too. Throws ConditionError.
   */
  define(name: string, expression: string): void {
    let program: ParseResult | undefined
    this.#environment.registerFunction(`${name}(): bool`, () => this.#defined(name, program))
    this.compile(expression)
    program = this.#parse(expression)
  }

  #defined(name: string, program: ParseResult | undefined): boolean {
    const facts = this.#case
    if (program === undefined || facts === undefined) throw new EvaluationError(`${name}() has no condition`)
    const outcomes = keptFor(facts, this.#outcomes)
    let outcome = outcomes.get(name)
    if (outcome === undefined) {
      const outer = this.#evidence
      outcome = this.#run(program, facts)
      outcomes.set(name, outcome)
      this.#evidence = outer
    }
    if (outcome.holds) this.#evidence.push(...outcome.evidence)
    return outcome.holds
  }

  #run(program: ParseResult, facts: Case): Outcome {
    this.#evidence = []
    const holds: unknown = program({ action: facts.action, context: facts.context, user: facts.user })
    if (typeof holds !== 'boolean') throw new EvaluationError('the condition did not yield true or false')
    return { holds, evidence: [...new Set(this.#evidence)] }
  }

  #parse(expression: string): ParseResult {
    try {
      return this.#environment.parse(expression)
    } catch (error) {
      throw conditionError(error, expression)
    }
  }

  /** A text that cannot be read is tried once and refused from then on. */
  #reading(text: string): Reading {
    const facts = this.#case
    if (facts === undefined) throw new EvaluationError('there is nothing to be read')
    const readings = keptFor(facts, this.#readings)
    const reading = readings.get(text) ?? readingOf(text)
    // Put last, so that the one that was not used for longest is the first, and goes.
    readings.delete(text)
    readings.set(text, reading)
    for (const [oldest] of readings) {
      if (readings.size <= MAXIMUM_REMEMBERED_READINGS) break
      readings.delete(oldest)
    }
    if (reading instanceof Error) throw reading
    return reading
  }

  #note(evidence: string | undefined): boolean {
    if (evidence !== undefined) this.#evidence.push(evidence)
    return evidence !== undefined
  }

  #quote(words: string | undefined): boolean {
    return this.#note(words === undefined ? undefined : `“${words}”`)
  }

  #registerReading(): void {
    type Words = readonly string[]
    const add = (
      signature: string,
      find: (reading: Reading, ...lists: Words[]) => string | undefined,
    ): void => {
      this.#environment.registerFunction(signature, (text: string, ...lists: Words[]) =>
        this.#quote(find(this.#reading(text), ...lists)),
      )
    }
    const [one, two, three] = [
      'list<string>',
      'list<string>, list<string>',
      'list<string>, list<string>, list<string>',
    ]
    add(`mentions(string, ${one}): bool`, (text, words = []) => text.mentions(words))
    add(`mentions(string, ${two}): bool`, (text, a = [], b = []) => text.mentionsBoth(a, b, []))
    add(`mentions(string, ${three}): bool`, (text, a = [], b = [], c = []) => text.mentionsBoth(a, b, c))
    add(`does(string, ${one}): bool`, (text, a = []) => text.does(a))
    add(`does(string, ${two}): bool`, (text, a = [], b = []) => text.does(a, b))
    add(`does(string, ${three}): bool`, (text, a = [], b = [], c = []) => text.does(a, b, c))
    add(`targets(string, ${two}): bool`, (text, a = [], b = []) => text.targets(a, b, []))
    add(`targets(string, ${three}): bool`, (text, a = [], b = [], c = []) => text.targets(a, b, c))
    add(`only(string, ${one}): bool`, (text, a = []) => text.only(a))
    this.#environment.registerFunction(
      'ordinary(string, list, list, list, list, list): bool',
      (text: string, deeds: Deed[], spared: Deed[], plain: Words, delicate: Words, exempt: Words) =>
        this.#quote(this.#reading(text).isOrdinary({ deeds, spared, plain, delicate, exempt })),
    )
    this.#environment.registerFunction(
      'readable(string): bool',
      (text: string) => this.#reading(text).isReadable,
    )
    this.#environment.registerFunction('money(string): double', moneyIn)
  }

  #registerFacts(): void {
    const environment = this.#environment
    const say = (facts: FactMap, names: readonly string[], truth: boolean): boolean => {
      const fact = saying(facts, names, truth)
      return this.#note(fact === undefined ? undefined : `${fact.name.slice(0, 60)}: ${truth ? 'yes' : 'no'}`)
    }
    for (const [type, list] of [
      ['string', (name: string) => [name]],
      ['list<string>', (names: readonly string[]) => names],
    ] as const) {
      const names = list as (name: unknown) => readonly string[]
      environment.registerFunction(
        `flag(map, ${type}, bool): bool`,
        (map: FactMap, name: unknown, otherwise: boolean) => flag(map, names(name), otherwise),
      )
      environment.registerFunction(
        `granted(map, ${type}): bool`,
        (map: FactMap, name: unknown) => flag(map, names(name), false) && say(map, names(name), true),
      )
      environment.registerFunction(`refused(map, ${type}): bool`, (map: FactMap, name: unknown) =>
        say(map, names(name), false),
      )
      environment.registerFunction(`warned(map, ${type}): bool`, (map: FactMap, name: unknown) =>
        say(map, names(name), true),
      )
      environment.registerFunction(
        `number(map, ${type}, double): double`,
        (map: FactMap, name: unknown, otherwise: number) => numberOf(map, names(name), otherwise),
      )
    }
  }
}

function keptFor<Kept>(facts: Case, kept: WeakMap<Case, Map<string, Kept>>): Map<string, Kept> {
  let own = kept.get(facts)
  if (own === undefined) {
    own = new Map()
    kept.set(facts, own)
  }
  return own
}

function readingOf(text: string): Reading | Error {
  try {
    return new Reading(text)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A regular expression or loops within loops could take any time on a hostile action. */
function assertBounded(node: unknown, loops: number): void {
  if (Array.isArray(node)) {
    for (const part of node) assertBounded(part, loops)
    return
  }
  if (!isNode(node)) return
  const called =
    (node.op === 'call' || node.op === 'rcall') && Array.isArray(node.args) ? String(node.args[0]) : ''
  if (called === 'matches') {
    throw new ConditionError(
      'matches() is not available, a pattern may never end; use mentions()',
      node.start,
    )
  }
  const depth = node.op === 'rcall' && LOOPS.has(called) ? loops + 1 : loops
  if (depth > MAXIMUM_NESTED_LOOPS) {
    throw new ConditionError(`more than ${MAXIMUM_NESTED_LOOPS} loops within one another`, node.start)
  }
  assertBounded(node.args, depth)
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}

function conditionError(error: unknown, expression: string): ConditionError {
  if (!(error instanceof ParseError || error instanceof CelTypeError)) {
    return new ConditionError(error instanceof Error ? error.message : String(error), 0)
  }
  const start = Math.min(error.range?.start ?? 0, expression.length)
  return new ConditionError(`${explain(error.code, error.summary)} (CEL)`, start)
}

function explain(code: string, summary: string): string {
  if (code === 'unknown_variable')
    return `${summary}; known are action, context, user and the file's word lists`
  if (code === 'no_matching_overload') return `${summary}: no such function, or not with these arguments`
  return summary
}
