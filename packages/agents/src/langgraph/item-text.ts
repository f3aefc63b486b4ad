import { memoryText } from '../memory/memory-text.js'

/** Stands where there is nothing to search; no word is found in it. */
const NOTHING = '·'

/** The texts of a value that are searched: those at some paths, as LangGraph writes these, or all of them (`$`). */
export function searchedText(
  value: Readonly<Record<string, unknown>>,
  fields: false | readonly string[] = ['$'],
): string {
  if (fields === false) return NOTHING
  return memoryText(fields.flatMap((field) => valuesAt(value, stepsOf(field))).flatMap(textsIn), NOTHING)
}

/** A name, an index such as `[*]` or `[-1]`, or several names in braces. */
const STEP = /\[([^\]]*)\]|\{([^}]*)\}|[^.[{]+/g

type Step = { readonly index: string } | { readonly names: readonly string[] }

/** `chapters[*].{title,text}` has three steps, and `$` none. */
function stepsOf(path: string): Step[] {
  return [...path.matchAll(STEP)].flatMap(([name, index, names]): Step[] => {
    if (index !== undefined) return [{ index }]
    if (names !== undefined) return [{ names: names.split(',').map((one) => one.trim()) }]
    return name === '$' ? [] : [{ names: [name] }]
  })
}

function valuesAt(value: unknown, [step, ...rest]: readonly Step[]): unknown[] {
  if (step === undefined) return [value]
  if (typeof value !== 'object' || value === null) return []
  const next =
    'index' in step ? elementsAt(value, step.index) : step.names.flatMap((name) => membersAt(value, name))
  return next.flatMap((one) => valuesAt(one, rest))
}

function elementsAt(value: object, index: string): unknown[] {
  if (!Array.isArray(value)) return []
  return index === '*' ? value : [value.at(Number(index))]
}

/** Within braces a name may be a path of names. */
function membersAt(value: object, name: string): unknown[] {
  if (name === '*') return Object.values(value)
  let found: unknown = value
  for (const part of name.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return []
    found = (found as Record<string, unknown>)[part]
  }
  return [found]
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
