import { firstIssue } from '@jamey/contracts'
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml'
import type { z } from 'zod'
import { ConditionError, type RuleFault } from './policy-errors.js'

export type Path = readonly PropertyKey[]

/** A text in YAML with the places of everything in it. */
export class YamlSource {
  readonly faults: RuleFault[] = []
  readonly #text: string
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #document: Document

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    for (const problem of [...this.#document.errors, ...this.#document.warnings]) {
      this.#faultAt(problem.pos[0], `YAML: ${problem.message}`)
    }
  }

  /** The checked content, or `undefined` when there is too much wrong to look further. */
  content<Content>(schema: z.ZodType<Content>): Content | undefined {
    if (this.faults.length > 0) return undefined
    const checked = schema.safeParse(this.value(), { reportInput: true })
    if (checked.success) return checked.data
    for (const issue of checked.error.issues) this.#report(firstIssue([issue]) ?? issue)
    return undefined
  }

  /** Notes what is wrong with the value at the path; `offset` points into it. */
  fault(path: Path, reason: string, offset = 0): void {
    const node = this.#nodeAt(path)
    this.#faultAt(this.#offsetIn(node, offset), reason)
  }

  /** The result of the work, or a fault at the path and `undefined`. */
  attempt<T>(path: Path, what: string, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.fault(path, `${what}: ${reason}`, error instanceof ConditionError ? error.offset : 0)
      return undefined
    }
  }

  sortedFaults(): RuleFault[] {
    return [...this.faults].sort((a, b) => a.line - b.line || a.column - b.column)
  }

  /** As it stands there, unchecked. */
  value(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      this.#faultAt(0, `YAML: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  #report(issue: z.core.$ZodIssue): void {
    const where = issue.path.map(String).join('.') || 'the file'
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        this.#faultAt(this.#keyOffset(issue.path, key), `${where}: unknown field ${key}`)
      return
    }
    const found = issue.input == null ? 'nothing' : JSON.stringify(issue.input)?.slice(0, 60)
    // Zod says what it received, too, in words of its own.
    const expected = issue.message.replace(/^Invalid [a-z]+: /, '').replace(/, received \w+$/, '')
    this.fault(issue.path, `${where}: ${expected} (found ${found})`)
  }

  #faultAt(offset: number, reason: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.faults.push({ file: this.#file, line: Math.max(1, line), column: Math.max(1, col), reason })
  }

  /** The node at the path, or the nearest one above it when a field is missing. */
  #nodeAt(path: Path): Node | undefined {
    for (let length = path.length; length >= 0; length--) {
      const node: unknown = this.#document.getIn(path.slice(0, length), true)
      if (isNode(node)) return node
    }
    return undefined
  }

  #keyOffset(path: Path, key: string): number {
    const parent = this.#nodeAt(path)
    const pair = isMap(parent)
      ? parent.items.find((item: Pair) => isScalar(item.key) && item.key.value === key)
      : undefined
    return (isScalar(pair?.key) ? pair.key.range?.[0] : undefined) ?? parent?.range?.[0] ?? 0
  }

  /**
   * Where the character at `offset` of a string stands in the file. Folding changes only white space, so the count
   * of other characters before it is the same in the value and in the file. The end of the string is where its last one
   * that is no white space ends.
   */
  #offsetIn(node: Node | undefined, offset: number): number {
    const start = node?.range?.[0] ?? 0
    if (!isScalar(node) || typeof node.value !== 'string' || offset === 0) return start
    const isBlock = node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL'
    let at = isBlock ? this.#text.indexOf('\n', start) + 1 : start + (node.type?.startsWith('QUOTE') ? 1 : 0)
    let left = node.value.slice(0, offset).replace(/\s/g, '').length
    const isEnd = node.value.slice(offset).trim() === ''
    while (at < this.#text.length && (left > 0 || (!isEnd && /\s/.test(this.#text[at] ?? '')))) {
      if (!/\s/.test(this.#text[at] ?? '')) left--
      at++
    }
    return at
  }
}
