import { memoryText } from '../memory/memory-text.js'

interface ItemFacts {
  readonly type?: unknown
  readonly name?: unknown
  readonly arguments?: unknown
  readonly content?: unknown
  readonly output?: unknown
}

/** The text of an item, to be searched: the words of a message, the arguments of a call, the text of its result. */
export function itemText(item: object): string {
  const { type, name, arguments: args, content, output }: ItemFacts = item
  const texts = [name, args, content, output].flatMap(textsIn)
  return memoryText(texts, `(${String(type ?? 'item')})`)
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  // Of what else there is, such as images, nothing is words.
  const { text, transcript, refusal }: { text?: unknown; transcript?: unknown; refusal?: unknown } = value
  return [text, transcript, refusal].flatMap(textsIn)
}
