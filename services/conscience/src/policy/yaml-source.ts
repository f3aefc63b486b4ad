import { firstIssue } from '@jamey/contracts'
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, type Pair } from 'yaml'
import type { z } from 'zod'
import type { RuleFault } from './policy-errors.js'
import { type Damage, readYaml } from './yaml-damage.js'

export type Path = readonly PropertyKey[]

/**
 * A text in YAML with the places of everything in it. Of what is damaged as YAML, which is told as that, nothing else is
 * said: it would follow from it.
 */
export class YamlSource {
  readonly faults: RuleFault[] = []
  #damages: readonly Damage[]
  readonly #value: unknown
  readonly #text: string
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #document: Document

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
    this.#lines.lineStarts.push(0)
    for (const { index } of text.matchAll(/\n/g)) this.#lines.lineStarts.push(index + 1)
    const { document, faults, damages } = readYaml(text)
    this.#document = document
    this.#damages = damages
    for (const { offset, reason } of faults) this.#tell(offset, reason)
    this.#value = this.#read(text)
  }

  /** The checked content; `undefined` where anything is wrong with it. */
  content<Content>(schema: z.ZodType<Content>): Content | undefined {
    const checked = schema.safeParse(this.value(), { reportInput: true })
    if (!checked.success) this.#reportAll(checked.error.issues.flatMap(settled))
    return checked.success && this.faults.length === 0 ? checked.data : undefined
  }

  /** False where a part of the field may be missing from what was read. */
  isWhole(field: string): boolean {
    return !this.#damages.some((damage) => damage.field === field || damage.field === undefined)
  }

  /** Notes what is wrong with the value at the path; `offset` points into it. */
  fault(path: Path, reason: string, offset = 0): void {
    const node = this.#nodeAt(path)
    this.#faultAt(this.#offsetIn(node, offset), reason)
  }

  sortedFaults(): RuleFault[] {
    return [...this.faults].sort((a, b) => a.line - b.line || a.column - b.column)
  }

  /** As it stands there, unchecked. */
  value(): unknown {
    return this.#value
  }

  #read(text: string): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      this.#tell(0, `YAML: ${error instanceof Error ? error.message : String(error)}`)
      this.#damages = [{ start: 0, end: Math.max(1, text.length), field: undefined }]
      return undefined
    }
  }

  /** A field that is missing because its name is written otherwise is told once. */
  #reportAll(issues: readonly z.core.$ZodIssue[]): void {
    const missing = new Map(issues.flatMap((issue) => (isMissing(issue) ? [[keyOf(issue.path), issue]] : [])))
    for (const { code, path, ...issue } of issues) {
      if (code !== 'unrecognized_keys') continue
      for (const key of (issue as z.core.$ZodIssueUnrecognizedKeys).keys) {
        const meant = [...missing.values()].find((one) => isMeant(key, path, one.path))
        const hint = meant === undefined ? '' : `; did you mean ${String(meant.path.at(-1))}?`
        if (meant !== undefined) missing.delete(keyOf(meant.path))
        this.#faultAt(this.#keyOffset(path, key), `${nameOf(path)}: unknown field ${key}${hint}`)
      }
    }
    for (const issue of issues) {
      const isTold =
        issue.code === 'unrecognized_keys' || (isMissing(issue) && !missing.has(keyOf(issue.path)))
      if (!isTold) this.#report(issue)
    }
  }

  #report(issue: z.core.$ZodIssue): void {
    const where = nameOf(issue.path)
    if (isMissing(issue) && this.#mayBeDamaged(issue.path)) return
    const found = issue.input == null ? 'nothing' : JSON.stringify(issue.input)?.slice(0, 60)
    // Zod says what it received, too, in words of its own.
    const expected = issue.message.replace(/^Invalid [a-z]+: /, '').replace(/, received \w+$/, '')
    this.fault(issue.path, `${where}: ${expected} (found ${found})`)
  }

  /** Whether a field that is missing may be one that was damaged: of the file, or of an object that is damaged in part. */
  #mayBeDamaged(path: Path): boolean {
    if (path.length === 1) return !this.isWhole(String(path[0]))
    const [start = 0, end = 0] = this.#nodeAt(path.slice(0, -1))?.range ?? []
    return this.#damages.some((damage) => damage.start < end && start < damage.end)
  }

  #faultAt(offset: number, reason: string): void {
    if (!this.#damages.some(({ start, end }) => start <= offset && offset < end)) this.#tell(offset, reason)
  }

  #tell(offset: number, reason: string): void {
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

/** Where one of several shapes was expected, everything that is wrong with the one that comes nearest. */
function settled(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  const first = firstIssue([issue]) ?? issue
  if (issue.code !== 'invalid_union') return [first]
  const ofIssue = (one: z.core.$ZodIssue) => ({ ...one, path: [...issue.path, ...one.path] })
  const shapes = issue.errors.map((shape) => shape.map(ofIssue))
  const isFirst = (one: z.core.$ZodIssue) =>
    one.message === first.message && keyOf(one.path) === keyOf(first.path)
  const [nearest] = shapes.filter((shape) => shape.some(isFirst)).sort((a, b) => a.length - b.length)
  return nearest ?? [first]
}

function nameOf(path: Path): string {
  return path.map(String).join('.') || 'the file'
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}

function isMissing({ code, input, path }: z.core.$ZodIssue): boolean {
  return code !== 'unrecognized_keys' && input === undefined && path.length > 0
}

/** True for the name of a field that is one slip from that of a missing one beside it: a letter too many, too few, or another. */
function isMeant(key: string, path: Path, missing: Path): boolean {
  const name = String(missing.at(-1))
  if (keyOf(missing.slice(0, -1)) !== keyOf(path)) return false
  let [same, end] = [0, 0]
  while (same < name.length && key[same] === name[same]) same++
  while (end < name.length - same && key.at(-1 - end) === name.at(-1 - end)) end++
  return Math.max(key.length, name.length) - same - end <= 2 && same + end > 1
}
