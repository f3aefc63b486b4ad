import { TypeError as CelTypeError, Environment, ParseError } from '@marcbachmann/cel-js'
import { type Circumstances, VARIABLES } from './circumstances.js'
import { isListed } from './listed.js'
import { memberFaults } from './members.js'
import { areMet, MetNeeds, type Needs, NO_NEEDS, needsOf } from './needs.js'
import { patternFaults } from './patterns.js'
import { ConditionError } from './policy-errors.js'
import { Frame, type QuickFunctions, quickCondition } from './quick-condition.js'
import { knowledgeOf, NO_SESSION, type SessionView } from './session-view.js'

/** Longer loops than over the facts of one call there are none; loops in loops are few. */
const LIMITS = { maxAstNodes: 1_000, maxDepth: 60 }

/** A condition, compiled. */
export interface Condition {
  /** All that has to be so for it to hold. */
  readonly needs: Needs
  /** Throws where it cannot be evaluated. */
  readonly applies: (circumstances: Circumstances) => boolean
  /** True where it looks at what whoever asks says of itself. */
  readonly readsContext: boolean
}

/** A name for values of any type, as short as any. */
const ANYTHING = '_'
const MOST_FAULTS = 50

const STRINGS = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g

/** Compiles conditions in CEL over the facts of a call. */
export class PolicyConditions {
  /** That of the call which is judged; conditions are evaluated one after the other. */
  #session: SessionView = NO_SESSION
  readonly met = new MetNeeds()
  readonly #frame = new Frame()
  readonly #environment = environmentOfVariables()
    .registerFunction('in_request(dyn): bool', (value: unknown) => this.#functions['in_request']?.(value))
    .registerFunction('origin(dyn): string', (value: unknown) => this.#functions['origin']?.(value))
    .registerFunction('vouched(dyn): bool', (value: unknown) => this.#functions['vouched']?.(value))
    .registerFunction('came_from(string): string', (value: string) => this.#functions['came_from']?.(value))
    .registerFunction('foreign(string): bool', (value: string) => this.#functions['foreign']?.(value))
    .registerFunction('calls_within(int): list', (seconds: bigint) => {
      return [...knowledgeOf(this.#session).callsWithin(Number(seconds))]
    })
    .registerFunction('total(list): double', (values: readonly unknown[]) => {
      return values.reduce<number>((sum, value) => sum + Number(value), 0)
    })
    .registerFunction('listed(dyn, list): bool', isListed)

  readonly #functions: QuickFunctions = {
    in_request: (value) => isValue(value) && knowledgeOf(this.#session).inRequest(plain(value)),
    origin: (value) => (isValue(value) ? knowledgeOf(this.#session).originOf(plain(value)) : 'unknown'),
    vouched: (value) => isValue(value) && knowledgeOf(this.#session).isVouched(plain(value)),
    foreign: (value) => knowledgeOf(this.#session).isForeign(value as string),
    came_from: (value) => knowledgeOf(this.#session).cameFrom(value as string),
    listed: isListed,
  }
  readonly #isQuick: boolean
  readonly #lenient = this.#environment.clone().registerVariable(ANYTHING, 'dyn')

  /** `isQuick`: what CEL need not evaluate, it does not; true unless told. */
  constructor({ isQuick = true } = {}) {
    this.#isQuick = isQuick
  }

  /** Throws ConditionError for a syntax error, an unknown name or a wrong type. */
  compile(expression: string): Condition {
    const program = this.#parse(expression)
    const checked = program.check()
    if (!checked.valid) throw faultOf(checked.error)
    if (checked.type !== 'bool') throw noCondition(checked.type)
    const quick = this.#isQuick ? quickCondition(program.ast, this.#functions, this.#frame) : undefined
    const needs = this.#isQuick ? needsOf(program.ast) : NO_NEEDS
    return {
      needs,
      applies: (circumstances) => {
        if (!areMet(needs, this.met.of(circumstances))) return false
        this.#session = circumstances.session
        // The checker of types knows lists and maps, and these are some.
        const scope = circumstances as unknown as Record<string, unknown>
        return quick?.(scope) ?? program(scope) === true
      },
      readsContext: looksAt(expression, 'context'),
    }
  }

  /**
   * Everything that is wrong with it: with its syntax, or else with names, types, members, lists (`lists`, where they are
   * known) and regular expressions. What is wrong is taken for a value of any type then, so that nothing that follows
   * from it is told.
   */
  faultsIn(expression: string, lists: readonly string[] | undefined): readonly ConditionError[] {
    let [environment, text, faults] = [this.#environment, expression, [] as ConditionError[]]
    try {
      const { ast } = this.#parse(expression)
      faults = [...memberFaults(ast, lists), ...patternFaults(ast)]
    } catch (error) {
      return [error as ConditionError]
    }
    for (let found = 0; found < MOST_FAULTS; found++) {
      const { error, type } = environment.check(text)
      if (error === undefined) return found > 0 || type === 'bool' ? faults : [...faults, noCondition(type)]
      faults.push(faultOf(error))
      const { start, end } = error.range ?? { start: 0, end: 0 }
      if (end <= start) return faults
      text = text.slice(0, start) + ANYTHING.padEnd(end - start) + text.slice(end)
      environment = this.#lenient
    }
    return faults
  }

  #parse(expression: string): ReturnType<Environment['parse']> {
    try {
      return this.#environment.parse(expression)
    } catch (error) {
      throw faultOf(error)
    }
  }
}

/** True where a condition looks at what whoever asks says of itself, or of why it makes a call. */
export function looksAt(expression: string, name: 'context' | 'intent'): boolean {
  return new RegExp(`\\b${name}\\b`).test(expression.replace(STRINGS, ''))
}

function environmentOfVariables(): Environment {
  const environment = new Environment({ limits: LIMITS })
  return Object.entries(VARIABLES).reduce(
    (declared, [name, type]) => declared.registerVariable(name, type),
    environment,
  )
}

function noCondition(type = 'dyn'): ConditionError {
  return new ConditionError(`a condition must be a bool, this one is a ${type}`, 0)
}

function isValue(value: unknown): value is string | number | bigint {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
}

/** Whole numbers of conditions are big integers. */
function plain(value: string | number | bigint): string | number {
  return typeof value === 'bigint' ? Number(value) : value
}

function faultOf(error: unknown): ConditionError {
  const isPlaced = error instanceof ParseError || error instanceof CelTypeError
  const message = error instanceof Error ? (error.message.split('\n')[0] as string) : String(error)
  return new ConditionError(message, isPlaced ? (error.node?.pos ?? 0) : 0)
}
