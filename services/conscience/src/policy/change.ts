import { withoutSecrets } from '@jamey/calls'

/** A change that a rule makes; `argument` is a JSON Pointer (RFC 6901), and empty for all of the arguments. */
export type Change =
  | { readonly argument: string; readonly redact: 'secrets' }
  /** A number above it becomes it. */
  | { readonly argument: string; readonly at_most: number }
  | { readonly argument: string; readonly set: unknown }
  | { readonly argument: string; readonly remove: true }

/** Whether it takes secrets out of what stands there. `where`: a JSON Pointer. */
export function redacts(change: Change, where: string): boolean {
  return 'redact' in change && `${where}/`.startsWith(`${change.argument}/`)
}

type Arguments = Readonly<Record<string, unknown>>

/** The arguments with all changes, the same object where nothing is another; undefined where one cannot be made. */
export function changed(before: Arguments, changes: readonly Change[]): Arguments | undefined {
  let after: Arguments
  try {
    after = structuredClone(before)
    for (const change of changes) after = applied(after, change) as Arguments
    return JSON.stringify(after) === JSON.stringify(before) ? before : after
  } catch {
    // Values within each other thousands of levels deep, or a pointer that leads through no object.
    return undefined
  }
}

function applied(root: Arguments, change: Change): unknown {
  const path = change.argument.split('/').slice(1).map(unescaped)
  const last = path.at(-1)
  if (last === undefined) return valueAfter(root, change)
  let parent: unknown = root
  for (const name of path.slice(0, -1)) parent = memberOf(parent, name)
  if (typeof parent !== 'object' || parent === null) throw new TypeError(`${change.argument} leads nowhere`)
  const holder = parent as Record<string, unknown>
  if ('remove' in change) {
    if (Array.isArray(parent)) parent.splice(Number(last), 1)
    else delete holder[last]
  } else if (Object.hasOwn(holder, last) || 'set' in change) {
    Object.defineProperty(holder, last, {
      value: valueAfter(memberOf(parent, last), change),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return root
}

function valueAfter(value: unknown, change: Change): unknown {
  if ('set' in change) return structuredClone(change.set)
  if ('at_most' in change) {
    if (typeof value !== 'number') throw new TypeError(`${change.argument} is no number`)
    return Math.min(value, change.at_most)
  }
  return redacted(value)
}

function redacted(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value)
  if (Array.isArray(value)) return value.map(redacted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redacted(member)]))
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function unescaped(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}
