import type { Word, WordPart } from 'unbash'

/** A word of a command as the shell would pass it; `text` is as far as it is known before it runs. */
export interface Argument {
  readonly text: string
  /** Whether variables, substitutions or patterns make it something else, or more words than one. */
  readonly isDynamic: boolean
}

/** The word, with the variables that the same script has set to a text of its own. */
export function argumentOf(word: Word, variables: ReadonlyMap<string, string>): Argument {
  const { parts } = word
  if (parts === undefined) return { text: word.value, isDynamic: false }
  const known = parts.map((part) => partOf(part, variables))
  const text = known.map(({ text }) => text).join('')
  const leads = parts.some(({ type }) => type === 'BraceExpansion') && leadsElsewhere(text)
  return { text, isDynamic: leads || known.some(({ isDynamic }) => isDynamic) }
}

/**
 * Whether some word that a shell makes of one with braces may lie elsewhere than the one with them: `a/{../../b,c}`,
 * `{/etc,a}`, `{,a}/etc`, `.{a,}./b`.
 */
function leadsElsewhere(text: string): boolean {
  const plain = text.replace(/['"\\]/g, '')
  return /[{,][/~]|[$`]|\.\.(?!\w)|\.[,}]|\}\.(?:[/{]|$)|^\{(?:.*[{,])?[,}]/s.test(plain)
}

function partOf(part: WordPart, variables: ReadonlyMap<string, string>): Argument {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return { text: part.value, isDynamic: false }
    case 'DoubleQuoted':
    case 'LocaleString': {
      const known = part.parts.map((child) => partOf(child, variables))
      return {
        text: known.map(({ text }) => text).join(''),
        isDynamic: known.some(({ isDynamic }) => isDynamic),
      }
    }
    case 'SimpleExpansion':
      return variableOf(part.text.slice(1), part.text, variables)
    case 'ParameterExpansion': {
      const isPlain = part.prefix === undefined && part.index === undefined && part.operation === undefined
      return isPlain ? variableOf(part.parameter, part.text, variables) : { text: part.text, isDynamic: true }
    }
    // A pattern selects what there is; where it lies is known.
    case 'Glob':
    case 'ExtendedGlob':
    case 'BraceExpansion':
      return { text: part.text, isDynamic: false }
    default:
      return { text: part.text, isDynamic: true }
  }
}

function variableOf(name: string, text: string, variables: ReadonlyMap<string, string>): Argument {
  const value = variables.get(name)
  if (value !== undefined) return { text: value, isDynamic: false }
  // Where a person's files lie is all that matters of it.
  if (name === 'HOME') return { text: '~', isDynamic: false }
  if (name === 'PWD') return { text: '.', isDynamic: false }
  return { text, isDynamic: true }
}
