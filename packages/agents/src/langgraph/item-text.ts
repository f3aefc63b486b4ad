import { getTextAtPath } from '@langchain/langgraph-checkpoint'

/** Of the text of one memory; what is beyond is kept in the value, and not searched. */
const MAXIMUM_CHARACTERS = 100_000
/** Stands where there is nothing to search; no word is found in it. */
const NOTHING = '·'

/** The texts of a value that are searched: those at some paths, or all of them (`$`). */
export function searchedText(
  value: Readonly<Record<string, unknown>>,
  fields: false | readonly string[] = ['$'],
): string {
  if (fields === false) return NOTHING
  const texts = fields.flatMap((field) => (field === '$' ? textsIn(value) : getTextAtPath(value, field)))
  const text = texts.join('\n').replaceAll('\0', ' ').slice(0, MAXIMUM_CHARACTERS).toWellFormed()
  return text.trim() === '' ? NOTHING : text
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
