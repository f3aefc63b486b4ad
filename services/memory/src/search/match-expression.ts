import { inflections } from './inflections.js'
import { tellingWords } from './stop-words.js'

/** Words beyond this many do not narrow a search any further and only cost time. */
const MAXIMUM_WORDS = 32

/** Letters, digits and their marks, as the `unicode61` tokenizer sees them; everything else separates words. */
const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+/gu

/** The way in which the words of a text are joined: every one must be there, or any one is enough. */
export type MatchMode = 'all' | 'any'

/** The distinct words of what a user typed that tell something, at most 32; none where it holds nothing that could be looked for. */
export function searchWords(text: string): string[] {
  // A mark without a letter is no word: the tokenizer would make nothing of it, and nothing never matches.
  const words = (text.toWellFormed().match(WORD) ?? []).filter((word) => /[\p{L}\p{N}\p{Co}]/u.test(word))
  return tellingWords([...new Set(words)]).slice(0, MAXIMUM_WORDS)
}

/**
 * An FTS5 expression for `words` in any of their regular forms, the last of which also matches as the beginning
 * of a longer word, since the user may still be typing it.
 *
 * Every word is a quoted string of letters, digits and marks only, so no user text can be read as an operator,
 * a column filter or a quote.
 */
export function matchExpression(words: readonly string[], mode: MatchMode): string {
  const last = words.length - 1
  return words
    .map((word, i) => {
      const terms = inflections(word).map((form) => `"${form}"`)
      if (i === last) terms.push(`"${word}"*`)
      return terms.length === 1 ? terms[0] : `(${terms.join(' OR ')})`
    })
    .join(mode === 'all' ? ' AND ' : ' OR ')
}
