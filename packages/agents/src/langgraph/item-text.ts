import { getTextAtPath } from '@langchain/langgraph-checkpoint'
import { memoryText } from '../memory/memory-text.js'

/** Stands where there is nothing to search; no word is found in it. */
const NOTHING = '·'

/** The texts of a value that are searched: those at some paths, or all of them (`$`). */
export function searchedText(
  value: Readonly<Record<string, unknown>>,
  fields: false | readonly string[] = ['$'],
): string {
  if (fields === false) return NOTHING
  const texts = fields.flatMap((field) => (field === '$' ? textsIn(value) : getTextAtPath(value, field)))
  return memoryText(texts, NOTHING)
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
