import { stemmer } from 'stemmer'

/** Longer ones are cut: what nobody types is not told apart by its end. */
const LONGEST = 64

/** Letters, digits and their marks, with what an apostrophe joins to them; everything else separates words. */
const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+(?:['\u2019][\p{L}\p{M}]+)*/gu
const ASCII_WORD = /[a-z0-9]+(?:'[a-z]+)*/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what ASCII is.
const ASCII = /^[\x00-\x7f]*$/
const WORD_BEGINS = /[\p{L}\p{N}\p{Co}]/u
/** What English joins to a word by an apostrophe, and that is no word of its own. */
const JOINED = /(?:n['\u2019]t|['\u2019](?:s|t|m|d|ll|re|ve))$/
/** Scripts that put no blanks between words. */
const WITHOUT_BLANKS =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** The words of a text in their order: lower case, without accents, and not yet cut to their stems. */
export function wordsOf(text: string): string[] {
  if (ASCII.test(text)) return split(text.toLowerCase().match(ASCII_WORD) ?? [])
  const plain = text
    .toWellFormed()
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]+/g, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('\u00df', 'ss')
  return split(plain.match(WORD) ?? [])
}

function split(found: readonly string[]): string[] {
  const words: string[] = []
  for (const one of found) {
    if (one.includes("'") || one.includes('\u2019')) {
      for (const part of one.replace(JOINED, '').split(/['\u2019]/)) add(words, part)
    } else add(words, one)
  }
  return words
}

function add(words: string[], word: string): void {
  if (word.charCodeAt(0) < 128) words.push(word.length > LONGEST ? word.slice(0, LONGEST) : word)
  else if (WITHOUT_BLANKS.test(word)) {
    for (const { segment } of segmenter.segment(word)) words.push(segment.slice(0, LONGEST))
  }
  // A mark without a letter is no word.
  else if (WORD_BEGINS.test(word)) words.push(word.slice(0, LONGEST).toWellFormed())
}

/** Short words in -y, which the algorithm leaves alone although it cuts 'tries' to 'tri'. */
const SHORT_IN_Y = /^[^aeiou]{2,}y$/

/** One term for all regular forms of an English word (Porter, 1980); other words are terms as they are. */
export function termOf(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word
  return SHORT_IN_Y.test(word) ? `${word.slice(0, -1)}i` : stemmer(word)
}
