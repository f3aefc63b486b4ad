import type { ASTNode } from '@marcbachmann/cel-js'
import type { CelNode } from './cel-node.js'
import { ConditionError } from './policy-errors.js'

/**
 * Regular expressions that stand in a condition and cannot be read, or may take for ever. One of the latter would cost
 * every call its whole time, for whoever asks writes the text that it is tried on.
 */
export function patternFaults(ast: ASTNode): ConditionError[] {
  const faults: ConditionError[] = []
  const look = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(look)
    if (typeof node !== 'object' || node === null || !('op' in node)) return
    const { op, args } = node as CelNode
    if (op === 'rcall') {
      const [name, , [pattern]] = args as readonly [string, CelNode, readonly (CelNode & { pos: number })[]]
      const reason =
        name === 'matches' && typeof pattern?.args === 'string' ? faultIn(pattern.args) : undefined
      if (reason !== undefined) faults.push(new ConditionError(reason, pattern?.pos ?? 0))
    }
    look(args)
  }
  look(ast)
  return faults
}

function faultIn(source: string): string | undefined {
  try {
    new RegExp(source)
  } catch (error) {
    return (error as Error).message
  }
  const slow = new PatternReader(source).branches().flat().map(slowIn).find(Boolean)
  if (slow === undefined) return undefined
  return `this regular expression may take for ever, for ${slow} repeats what can be divided in many ways`
}

/** A part of a regular expression with how often it may stand there. */
interface Part {
  readonly source: string
  /** Of a group, its alternatives. */
  readonly branches: readonly (readonly Part[])[] | undefined
  readonly isOptional: boolean
  /** Without a bound, or with one that makes no difference. */
  readonly isRepeated: boolean
}

/** Repetitions of which even all that a text can be divided into are soon tried. */
const FEW = 20

/** Reads expressions that are known to be right: nothing is checked. */
class PatternReader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  branches(): Part[][] {
    const branches: Part[][] = [[]]
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#source[this.#at] !== '|') branches.at(-1)?.push(this.#part())
      else {
        branches.push([])
        this.#at++
      }
    }
    return branches
  }

  #part(): Part {
    const start = this.#at
    let branches: Part[][] | undefined
    if (this.#take(/\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/y) !== undefined) {
      branches = this.branches()
      this.#at++
    } else {
      this.#take(/\[(?:\\.|[^\]\\])*\]|\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|k<[^>]*>|.)|./sy)
    }
    const source = this.#source.slice(start, this.#at)
    const [, sign, least, comma, most] = this.#take(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y) ?? []
    const isOptional = sign === '*' || sign === '?' || Number(least) === 0
    const bound = comma === undefined ? Number(least) : Number(most || Number.POSITIVE_INFINITY)
    return { source, branches, isOptional, isRepeated: sign === '*' || sign === '+' || bound > FEW }
  }

  #take(token: RegExp): RegExpExecArray | undefined {
    token.lastIndex = this.#at
    const found = token.exec(this.#source) ?? undefined
    if (found !== undefined) this.#at = token.lastIndex
    return found
  }
}

/** The group in a part of which a text can be divided into repetitions in as many ways as there are subsets of it. */
function slowIn({ source, branches, isRepeated }: Part): string | undefined {
  if (branches === undefined) return undefined
  if (isRepeated && (branches.some(isDivisible) || areAlike(branches))) return source
  return branches.flat().map(slowIn).find(Boolean)
}

/** True where something in it is repeated, and nothing beside it has to stand between two of these. */
function isDivisible(branch: readonly Part[]): boolean {
  const parts = branch.flatMap(opened)
  return parts.some(
    (part) =>
      part.isRepeated &&
      parts.every(
        (other) => other === part || other.isOptional || overlap(lettersOf(part), lettersOf(other)),
      ),
  )
}

/** True where the same letter may be any of two alternatives. */
function areAlike(branches: readonly (readonly Part[])[]): boolean {
  const letters = branches.flatMap((branch) => (branch.length === 1 ? branch.map(lettersOf) : []))
  return letters.some((some, i) => letters.slice(i + 1).some((others) => overlap(some, others)))
}

/** A group that stands there once is what stands in it. */
function opened(part: Part): readonly Part[] {
  const [only, ...others] = part.branches ?? []
  const isOnce = only !== undefined && others.length === 0 && !part.isRepeated && !part.isOptional
  return isOnce ? only.flatMap(opened) : [part]
}

const LETTERS = [...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)), 'é', '€']

/** The letters that may stand in it. */
function lettersOf({ source, branches }: Part): ReadonlySet<string> {
  if (branches !== undefined) return new Set(branches.flat().flatMap((part) => [...lettersOf(part)]))
  if (/^(?:[$^]|\\[bBk1-9])/.test(source)) return new Set()
  const whole = new RegExp(`^${source}$`)
  return new Set(LETTERS.filter((letter) => whole.test(letter)))
}

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...some].some((letter) => others.has(letter))
}
