import type { Argument } from './words.js'

/** The value of an option, and whether it is the next word. */
export interface OptionValue {
  readonly value: Argument
  readonly isNext: boolean
}

/** At least so much of a long option's name stands for it. */
const SHORTEST_LONG = '--d'.length

/**
 * As getopt reads it: `-C X`, `-CX`, `-xC X`, `-xC/X`, `--directory X`, `--directory=X`, and `--dir=X`, for GNU takes the
 * beginning of a name for it. Undefined where the word is none of the options.
 */
export function optionValue(
  { text, isDynamic }: Argument,
  next: Argument | undefined,
  options: readonly string[],
): OptionValue | undefined {
  if (!text.startsWith('-')) return undefined
  for (const option of options) {
    const rest = valueIn(text, option)
    if (rest === undefined) continue
    if (rest !== '') return { value: { text: rest, isDynamic }, isNext: false }
    if (next !== undefined) return { value: next, isNext: true }
  }
  return undefined
}

/** Empty where it is the next word. */
function valueIn(text: string, option: string): string | undefined {
  if (text === option) return ''
  if (option.startsWith('--')) {
    const end = text.indexOf('=')
    const name = end < 0 ? text : text.slice(0, end)
    if (name.length < SHORTEST_LONG || !option.startsWith(name)) return undefined
    return end < 0 ? '' : text.slice(end + 1)
  }
  if (text.startsWith(`${option}=`)) return text.slice(option.length + 1)
  if (option.length !== 2) return undefined
  if (text.startsWith(option)) return text.slice(2)
  return togetherWith(text, option[1] as string)
}

/** With other letters before it. What stands behind it is its value where that leads away. */
function togetherWith(text: string, letter: string): string | undefined {
  const at = text.indexOf(letter, 2)
  if (at < 0 || !/^-[A-Za-z]+$/.test(text.slice(0, at))) return undefined
  const rest = text.slice(at + 1)
  return rest === '' || /^(?:[/~]|\.\.)/.test(rest) ? rest : undefined
}
