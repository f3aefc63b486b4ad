/** A condition on one member of the metadata, as the memory takes it. */
type Condition = string | number | boolean | null | { [bound: string]: unknown }

const BOUNDS: Readonly<Record<string, string>> = { '>=': 'gte', '<=': 'lte', '>': 'gt', '<': 'lt' }

/**
 * Conditions on metadata from words such as `project.name=jamey`, `age>=18` or `kind=a` twice, which is one of both;
 * undefined for a word that is none, such as `age>>18`. Values are numbers, true, false and null where they look like
 * it; quotes make a text of them.
 */
export function whereOf(words: readonly string[]): Record<string, Condition> | undefined {
  const where: Record<string, Condition> = {}
  for (const word of words) {
    const [, path = '', sign = '', text = ''] = /^([^=<>]+)(>=|<=|=|>|<)(?![=<>])(.*)$/s.exec(word) ?? []
    if (path === '') return undefined
    const value = valueOfWord(text)
    const before = Object.hasOwn(where, path) ? where[path] : undefined
    where[path] = sign === '=' ? either(before, value) : { ...asBounds(before), [BOUNDS[sign] ?? '']: value }
  }
  return where
}

function valueOfWord(text: string): string | number | boolean | null {
  if (/^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === 'null') return null
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text
}

function either(before: Condition | undefined, value: string | number | boolean | null): Condition {
  if (before === undefined) return value
  const others = asBounds(before)['in'] as unknown[] | undefined
  return { in: [...(others ?? [before]), value] }
}

function asBounds(condition: Condition | undefined): { [bound: string]: unknown } {
  return typeof condition === 'object' && condition !== null ? condition : {}
}
