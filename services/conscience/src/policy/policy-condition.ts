import { TypeError as CelTypeError, Environment, ParseError } from '@marcbachmann/cel-js'
import { type Circumstances, VARIABLES } from './circumstances.js'
import { isListed } from './listed.js'
import { checkMembers } from './members.js'
import { areMet, MetNeeds, type Needs, NO_NEEDS, needsOf } from './needs.js'
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
  /** True where it looks at why the agent says that it makes a call. */
  readonly readsIntent: boolean
}

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

  /** `isQuick`: what CEL need not evaluate, it does not; true unless told. */
  constructor({ isQuick = true } = {}) {
    this.#isQuick = isQuick
  }

  /** Throws ConditionError for a syntax error, an unknown name or a wrong type. */
  compile(expression: string): Condition {
    const program = this.#parse(expression)
    const checked = program.check()
    if (!checked.valid) throw faultOf(checked.error)
    if (checked.type !== 'bool')
      throw new ConditionError(`a condition must be a bool, this one is a ${checked.type}`, 0)
    const quick = this.#isQuick ? quickCondition(program.ast, this.#functions, this.#frame) : undefined
    const names = expression.replace(STRINGS, '')
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
      readsContext: /\bcontext\b/.test(names),
      readsIntent: /\bintent\b/.test(names),
    }
  }

  /** Throws ConditionError where it looks at a member that there is none of, or at a list that nobody has written. */
  checkMembers(expression: string, lists: readonly string[]): void {
    checkMembers(this.#parse(expression).ast, lists)
  }

  #parse(expression: string): ReturnType<Environment['parse']> {
    try {
      return this.#environment.parse(expression)
    } catch (error) {
      throw faultOf(error)
    }
  }
}

function environmentOfVariables(): Environment {
  const environment = new Environment({ limits: LIMITS })
  return Object.entries(VARIABLES).reduce(
    (declared, [name, type]) => declared.registerVariable(name, type),
    environment,
  )
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
