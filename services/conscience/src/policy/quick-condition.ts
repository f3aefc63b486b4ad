import type { ASTNode } from '@marcbachmann/cel-js'
import { type CelNode, sizedIn, stringsOf } from './cel-node.js'

type Scope = Readonly<Record<string, unknown>>

/** The variables of a condition, and the elements of the lists that it is going through: one for all, as they take turns. */
export class Frame {
  scope: Scope = {}
  readonly elements: unknown[] = []
}

type Step = (frame: Frame) => unknown
/** Functions of conditions by name. */
export type QuickFunctions = Readonly<Record<string, (...values: unknown[]) => unknown>>

/** Functions that take nothing but strings. */
const TAKES_TEXT: ReadonlySet<string> = new Set(['foreign', 'came_from'])
/** A value is not of the plain kind that was counted on: CEL itself has to say what becomes of it. */
const UNSURE = Symbol('unsure')

/**
 * A condition as functions within functions, for the operators that nearly all conditions are made of; undefined where it
 * has others. They take some tens of nanoseconds, where CEL's own evaluation takes a microsecond. The result is undefined
 * wherever CEL's rules for errors, numbers or mixed types would be needed to tell it.
 */
export function quickCondition(
  ast: ASTNode,
  functions: QuickFunctions,
  frame: Frame,
): ((scope: Scope) => boolean | undefined) | undefined {
  let step: Step
  try {
    step = new Compiler(functions).step(ast as CelNode, [])
  } catch (error) {
    if (error === UNSURE) return undefined
    throw error
  }
  return (scope) => {
    try {
      frame.scope = scope
      const value = step(frame)
      return typeof value === 'boolean' ? value : undefined
    } catch (error) {
      if (error === UNSURE) return undefined
      throw error
    }
  }
}

class Compiler {
  readonly #functions: QuickFunctions

  constructor(functions: QuickFunctions) {
    this.#functions = functions
  }

  /** `names`: of the elements, from outside. */
  step({ op, args }: CelNode, names: readonly string[]): Step {
    const of = (node: unknown): Step => this.step(node as CelNode, names)
    const list = args as readonly unknown[]
    switch (op) {
      case 'value':
        return constant(args)
      case 'id':
        return variable(args as string, names)
      case '!_': {
        const inner = of(args)
        return (frame) => !bool(inner(frame))
      }
      case '&&': {
        const [left, right] = [of(list[0]), of(list[1])]
        return (frame) => bool(left(frame)) && bool(right(frame))
      }
      case '||': {
        const [left, right] = [of(list[0]), of(list[1])]
        return (frame) => bool(left(frame)) || bool(right(frame))
      }
      case '==':
      case '!=':
        return this.#equality(list, names, op === '==')
      case 'list':
        return constantList({ op, args })
      case '>':
      case '>=':
      case '<':
      case '<=':
        return this.#order(op, list, names)
      case '.': {
        const depth = depthOf(list[0] as CelNode, names)
        const name = list[1] as string
        return depth < 0 ? member(of(list[0]), name) : ({ elements }) => memberOf(elements[depth], name)
      }
      case '[]':
        return this.#element(list, names)
      case 'in':
        return this.#membership(list, names)
      case 'call':
        return this.#call(list, names)
      case 'rcall':
        return this.#method(list, names)
      default:
        throw UNSURE
    }
  }

  /** Of sizes with whole numbers, of lists of strings, and of two strings or truth values. */
  #equality([left, right]: readonly unknown[], names: readonly string[], isEqual: boolean): Step {
    const size = sizedIn(left as CelNode)
    const { op, args } = right as CelNode
    if (size !== undefined && op === 'value' && typeof args === 'bigint') {
      const of = this.step(size, names)
      const sought = Number(args)
      return (frame) => (lengthOf(of(frame)) === sought) === isEqual
    }
    const one = this.step(left as CelNode, names)
    if (op === 'value' && (typeof args === 'string' || typeof args === 'boolean'))
      return equalityWith(one, args, isEqual)
    const words = stringsOf(right as CelNode)
    if (words === undefined) return equality(one, this.step(right as CelNode, names), isEqual)
    return (frame) => {
      const list = one(frame)
      if (!Array.isArray(list) || !list.every((value) => typeof value === 'string')) throw UNSURE
      return (list.length === words.length && words.every((word, i) => word === list[i])) === isEqual
    }
  }

  /** Numbers of facts are doubles; a whole number is compared with the size of something alone. */
  #order(op: '>' | '>=' | '<' | '<=', [left, right]: readonly unknown[], names: readonly string[]): Step {
    const size = sizedIn(left as CelNode)
    const limit = (right as CelNode).op === 'value' ? (right as CelNode).args : undefined
    if (size !== undefined && typeof limit === 'bigint') {
      const of = this.step(size, names)
      const bound = Number(limit)
      return (frame) => compared(op, lengthOf(of(frame)), bound)
    }
    if (typeof limit !== 'number') throw UNSURE
    const of = this.step(left as CelNode, names)
    return (frame) => {
      const value = of(frame)
      if (typeof value !== 'number') throw UNSURE
      return compared(op, value, limit)
    }
  }

  #element([from, at]: readonly unknown[], names: readonly string[]): Step {
    const of = this.step(from as CelNode, names)
    const index = (at as CelNode).op === 'value' ? (at as CelNode).args : undefined
    if (typeof index === 'bigint') {
      const place = Number(index)
      return (frame) => {
        const value = of(frame)
        if (!Array.isArray(value) || place < 0 || place >= value.length) throw UNSURE
        return value[place]
      }
    }
    const key = this.step(at as CelNode, names)
    return (frame) => ownMember(of(frame), key(frame))
  }

  #membership([what, where]: readonly unknown[], names: readonly string[]): Step {
    const value = this.step(what as CelNode, names)
    const words = stringsOf(where as CelNode)
    const fixed = words === undefined ? undefined : new Set(words)
    if (fixed !== undefined) return (frame) => fixed.has(text(value(frame)))
    const holder = this.step(where as CelNode, names)
    return (frame) => {
      const [sought, found] = [text(value(frame)), holder(frame)]
      if (Array.isArray(found)) return found.includes(sought)
      return Object.hasOwn(plainObject(found), sought)
    }
  }

  #call([name, given]: readonly unknown[], names: readonly string[]): Step {
    const run = Object.hasOwn(this.#functions, name as string) ? this.#functions[name as string] : undefined
    if (run === undefined) throw UNSURE
    const values = (given as readonly CelNode[]).map((node) => this.step(node, names))
    const [first, second] = values
    if (values.length === 1 && first !== undefined) {
      const isOfText = TAKES_TEXT.has(name as string)
      return (frame) => run(isOfText ? text(first(frame)) : simple(first(frame)))
    }
    if (values.length === 2 && first !== undefined && second !== undefined) {
      return (frame) => {
        const list = second(frame)
        if (!Array.isArray(list)) throw UNSURE
        return run(simple(first(frame)), list)
      }
    }
    throw UNSURE
  }

  #method([name, on, given]: readonly unknown[], names: readonly string[]): Step {
    const [first, second] = given as readonly CelNode[]
    if (first === undefined) throw UNSURE
    if ((name === 'exists' || name === 'all') && second !== undefined && first.op === 'id') {
      const holds = this.step(second, [...names, first.args as string])
      return this.#loop(name, on as CelNode, holds, names)
    }
    if (second !== undefined) throw UNSURE
    const of = this.step(on as CelNode, names)
    if (name === 'matches') {
      if (first.op !== 'value' || typeof first.args !== 'string') throw UNSURE
      const pattern = patternOf(first.args)
      return (frame) => pattern.test(text(of(frame)))
    }
    const argument = this.step(first, names)
    if (name === 'contains') return (frame) => text(of(frame)).includes(text(argument(frame)))
    if (name === 'startsWith') return (frame) => text(of(frame)).startsWith(text(argument(frame)))
    if (name === 'endsWith') return (frame) => text(of(frame)).endsWith(text(argument(frame)))
    throw UNSURE
  }

  #loop(name: 'exists' | 'all', on: CelNode, holds: Step, names: readonly string[]): Step {
    const isSought = name === 'exists'
    const depth = names.length
    const fact = on.op === 'id' && depthOf(on, names) < 0 ? (on.args as string) : undefined
    const of = this.step(on, names)
    return (frame) => {
      const list = fact === undefined ? of(frame) : frame.scope[fact]
      if (!Array.isArray(list)) throw UNSURE
      for (let i = 0; i < list.length; i++) {
        frame.elements[depth] = list[i]
        if (bool(holds(frame)) === isSought) return isSought
      }
      return !isSought
    }
  }
}

/** CEL tells of a bad one when it comes to it. */
function patternOf(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch {
    throw UNSURE
  }
}

function constant(value: unknown): Step {
  if (typeof value !== 'string' && typeof value !== 'boolean') throw UNSURE
  return () => value
}

function variable(name: string, names: readonly string[]): Step {
  const depth = names.lastIndexOf(name)
  if (depth >= 0) return ({ elements }) => elements[depth]
  return ({ scope }) => known(scope[name])
}

/** The loop whose element it is, from outside; negative for what is none. */
function depthOf({ op, args }: CelNode, names: readonly string[]): number {
  return op === 'id' ? names.lastIndexOf(args as string) : -1
}

function member(of: Step, name: string): Step {
  return (frame) => memberOf(of(frame), name)
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value === 'object' && value !== null) {
    const found = (value as Record<string, unknown>)[name]
    // Members from prototypes are none of these.
    if (typeof found === 'string' || typeof found === 'boolean' || Array.isArray(found)) return found
  }
  return ownMember(value, name)
}

function ownMember(value: unknown, name: unknown): unknown {
  const object = plainObject(value)
  if (typeof name !== 'string' || !Object.hasOwn(object, name)) throw UNSURE
  return known(object[name])
}

/** Of two strings or two truth values; of anything else CEL knows more. */
function equalityWith(one: Step, other: string | boolean, isEqual: boolean): Step {
  return (frame) => {
    const value = one(frame)
    if (typeof value !== typeof other) throw UNSURE
    return (value === other) === isEqual
  }
}

/** The same where neither is known before. */
function equality(left: Step, right: Step, isEqual: boolean): Step {
  return (frame) => {
    const [one, other] = [left(frame), right(frame)]
    if (typeof one !== typeof other || (typeof one !== 'string' && typeof one !== 'boolean')) throw UNSURE
    return (one === other) === isEqual
  }
}

function compared(op: '>' | '>=' | '<' | '<=', one: number, other: number): boolean {
  if (op === '>') return one > other
  if (op === '>=') return one >= other
  return op === '<' ? one < other : one <= other
}

function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  throw UNSURE
}

function constantList(node: CelNode): Step {
  const words = stringsOf(node)
  if (words === undefined) throw UNSURE
  return () => words
}

function bool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw UNSURE
  return value
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw UNSURE
  return value
}

/** A value that functions are given as CEL would give it. */
function simple(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number') return value
  throw UNSURE
}

function known(value: unknown): unknown {
  if (value === undefined || value === null) throw UNSURE
  return value
}

function plainObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Map)
    throw UNSURE
  return value as Record<string, unknown>
}
