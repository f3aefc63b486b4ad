import { leavesOf } from '@jamey/calls'

/** Stands in no text that is written: what is on its two sides does not belong together. */
export const SEPARATOR = '\u001E'

/** Everything that a value says, each string and number for itself. `isWhole`: nothing had to be left out. */
export function textOf(value: unknown): { readonly text: string; readonly isWhole: boolean } {
  const { leaves, unread } = leavesOf(value)
  const text = leaves.map(({ value: leaf }) => String(leaf).replaceAll(SEPARATOR, ' ')).join(SEPARATOR)
  return { text, isWhole: unread.length === 0 }
}
