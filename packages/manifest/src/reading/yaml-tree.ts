import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
} from 'yaml'
import type { ManifestFault } from './manifest-error.js'

/** A value and where it stands; `node` is null where nothing follows a key. */
export interface Place {
  readonly field: string
  readonly node: Node | null
  /** Characters from the start of the text. */
  readonly at: number
}

/** A field of a mapping. `keyAt` is where its name stands. */
export interface Field extends Place {
  readonly key: string
  readonly keyAt: number
}

/** A text with its values as they stand, and all that is wrong with it. */
export class YamlTree {
  readonly faults: ManifestFault[] = []
  readonly root: Place
  readonly #fileName: string
  readonly #lines = new LineCounter()

  constructor(text: string, fileName: string) {
    this.#fileName = fileName
    // Keys that are there twice are told with the name of the field.
    const document: Document<ParsedNode> = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
    })
    this.root = { field: '', node: document.contents, at: 0 }
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      this.fault({ field: '', node: null, at: pos[0] }, message.split('\n')[0] ?? '', 'YAML')
    }
  }

  /** Line in the file, from 1. */
  lineOf({ at }: Pick<Place, 'at'>): number {
    return this.#lines.linePos(at).line
  }

  fault({ field, at }: Place, found: string, expected: string): void {
    const { line, col } = this.#lines.linePos(at)
    this.faults.push({ fileName: this.#fileName, line, column: col, field, found, expected })
  }

  /** The fields of a mapping, each name once; none where it is no mapping, which is a fault. */
  fields(place: Place, expected: string): Field[] {
    if (!isMap(place.node)) {
      this.fault(place, shownNode(place.node), expected)
      return []
    }
    const fields = new Map<string, Field>()
    for (const { key, value } of place.node.items) {
      const name = keyOf(key)
      const keyAt = (isNode(key) && key.range?.[0]) || place.at
      const field = fieldBelow(place.field, name ?? '?')
      const node = isNode(value) ? value : null
      const found: Field = { key: name ?? '', keyAt, field, node, at: node?.range?.[0] ?? keyAt }
      const first = fields.get(found.key)
      if (name === undefined) this.fault({ ...found, at: keyAt }, 'a key that is no text', expected)
      else if (first === undefined) fields.set(name, found)
      else this.fault({ ...found, at: keyAt }, ...this.#repeated(first.keyAt, 'this key'))
    }
    return [...fields.values()]
  }

  /** The fields of these names; of others it says that they are not known. */
  known<Name extends string>(place: Place, names: readonly Name[]): Partial<Record<Name, Field>> {
    const expected = names.join(', ')
    const known: Partial<Record<Name, Field>> = {}
    for (const field of this.fields(place, `a mapping of ${expected}`)) {
      const name = names.find((each) => each === field.key)
      if (name === undefined)
        this.fault({ ...field, at: field.keyAt }, 'an unknown field', `one of ${expected}`)
      else known[name] = field
    }
    return known
  }

  /** The texts of a list, each once. */
  texts(place: Place | undefined, expected: string, most: number): (Place & { readonly text: string })[] {
    if (place === undefined) return []
    if (!isSeq(place.node) || place.node.items.length > most) {
      const found = isSeq(place.node) ? `${place.node.items.length} of them` : shownNode(place.node)
      this.fault(place, found, `${expected}, at most ${most}`)
      return []
    }
    const texts = new Map<string, Place & { readonly text: string }>()
    for (const [i, item] of place.node.items.entries()) {
      const node = isNode(item) ? item : null
      const each: Place = { field: `${place.field}[${i}]`, node, at: node?.range?.[0] ?? place.at }
      const text = this.text(each, 'a text, in quotes where YAML takes it for something else')
      if (text === undefined) continue
      const first = texts.get(text)
      if (first === undefined) texts.set(text, { ...each, text })
      else this.fault(each, ...this.#repeated(first.at, JSON.stringify(text)))
    }
    return [...texts.values()]
  }

  text(place: Place, expected: string): string | undefined {
    if (isScalar(place.node) && typeof place.node.value === 'string') return place.node.value
    this.fault(place, shownNode(place.node), expected)
    return undefined
  }

  whole(place: Place, least: number, most: number): number | undefined {
    const value = isScalar(place.node) ? place.node.value : undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    this.fault(place, shownNode(place.node), `a whole number from ${least} to ${most}`)
    return undefined
  }

  #repeated(firstAt: number, what: string): [found: string, expected: string] {
    return [`${what} a second time`, `it once, as in line ${this.lineOf({ at: firstAt })}`]
  }
}

/** A name that YAML takes for a number, such as `007`, is what is written. */
function keyOf(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined
  return typeof key.value === 'string' ? key.value : key.source
}

function fieldBelow(field: string, key: string): string {
  const isPlain = /^[\w-]{1,128}$/.test(key)
  if (!isPlain) return `${field}[${shownText(key)}]`
  return field === '' ? key : `${field}.${key}`
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)
}

/** The text of a node, to follow "found" in a sentence. */
export function shownNode(node: Node | null): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (isAlias(node)) return 'an alias, which a manifest has none of'
  const value = isScalar(node) ? node.value : null
  if (value === null) return 'nothing'
  return typeof value === 'string' ? shownText(value) : `the ${typeof value} ${String(value)}`
}

export function shownText(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
