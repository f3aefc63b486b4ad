import { TypeError as CelTypeError, Environment, ParseError } from '@marcbachmann/cel-js'
import { ConditionError } from '../rules/condition.js'
import type { Circumstances } from './policy.js'

/** Longer loops than over the facts of one call there are none; loops in loops are few. */
const LIMITS = { maxAstNodes: 1_000, maxDepth: 60 }

/** Compiles conditions in CEL over the facts of a call. */
export class PolicyConditions {
  readonly #environment = new Environment({ limits: LIMITS })
    .registerVariable('tool', 'string')
    .registerVariable('known', 'bool')
    .registerVariable('effects', 'list<string>')
    .registerVariable('commands', 'list')
    .registerVariable('files', 'list')
    .registerVariable('urls', 'list')
    .registerVariable('mails', 'list')
    .registerVariable('recipients', 'list')
    .registerVariable('amounts', 'list')
    .registerVariable('sql', 'list')
    .registerVariable('code', 'list')
    .registerVariable('texts', 'list')
    .registerVariable('unread', 'list')
    .registerVariable('lists', 'map')

  /** Throws ConditionError for a syntax error, an unknown name or a wrong type. */
  compile(expression: string): (circumstances: Circumstances) => boolean {
    const program = this.#parse(expression)
    const checked = program.check()
    if (!checked.valid) throw faultOf(checked.error)
    if (checked.type !== 'bool')
      throw new ConditionError(`a condition must be a bool, this one is a ${checked.type}`, 0)
    return (circumstances) => program({ ...circumstances }) === true
  }

  #parse(expression: string): ReturnType<Environment['parse']> {
    try {
      return this.#environment.parse(expression)
    } catch (error) {
      throw faultOf(error)
    }
  }
}

function faultOf(error: unknown): ConditionError {
  const isPlaced = error instanceof ParseError || error instanceof CelTypeError
  const message = error instanceof Error ? (error.message.split('\n')[0] as string) : String(error)
  return new ConditionError(message, isPlaced ? (error.node?.pos ?? 0) : 0)
}
