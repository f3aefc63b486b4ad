import { stemmer } from 'stemmer'
import { IRREGULAR_FORMS } from './irregular-forms.js'

/** Longer ones are cut: what nobody types is not told apart by its end. */
const LONGEST = 64

/** Letters, digits and their marks, with what an apostrophe joins to them, and each pictograph; everything else separates words. */
const WORD =
  /[\p{L}\p{N}\p{M}\p{Co}]+(?:['\u2019][\p{L}\p{M}]+)*|\p{Extended_Pictographic}|\p{Regional_Indicator}{2}/gu
const ASCII_WORD = /[a-z0-9]+(?:'[a-z]+)*/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what ASCII is.
const ASCII = /^[\x00-\x7f]*$/
const WORD_BEGINS = /[\p{L}\p{N}\p{Co}\p{Extended_Pictographic}\p{Regional_Indicator}]/u
/**
 * Names that a sign at the end of a word sets apart, as in `c++`, `c#` and `a*`, or one at its beginning, as in `.net`.
 * Signs between words, as in `node.js` and `1.2.3`, need no name: the words are found side by side.
 */
const NAME = /(?<![a-z0-9])(?:(?<=^|[\s([{"'`])\.[a-z][a-z0-9]*|[a-z0-9]+(?:[+#]{1,2}|\*)(?![a-z0-9+#*]))/g
const MAY_HAVE_NAMES = /[+#*]|\.[a-z]/
/** What nobody sees, such as soft hyphens, joiners, marks of direction and selectors of variants. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}+/gu
/** Accents, points and vowel signs of Hebrew and Arabic, which most leave out, and what only stretches an Arabic word. */
const MARKS =
  /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]+/g
/** What English joins to a word by an apostrophe, and that is no word of its own. */
const JOINED = /(?:n['\u2019]t|['\u2019](?:s|t|m|d|ll|re|ve))$/
/** Scripts that put no blanks between words. */
const WITHOUT_BLANKS =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

/** That of any script that has one of its own. */
export const QUESTION_MARK = /[?\uff1f\u061f]/

/** What takes texts without blanks apart needs four times as long for twice the text. */
const LONGEST_RUN = 512
/** What the codes of first halves of surrogate pairs begin with. */
const HIGH_SURROGATES = 0xd800 >>> 10

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/**
 * The words of a text in their order: lower case, without accents, and not yet cut to their stems. Names with a sign
 * follow, their words being among these, so that what stands side by side does so still.
 */
export function wordsOf(text: string): string[] {
  if (ASCII.test(text)) {
    const plain = text.toLowerCase()
    return withNames(split(plain.match(ASCII_WORD) ?? []), namesBySign(plain))
  }
  const plain = text
    .toWellFormed()
    .normalize('NFKD')
    .replace(INVISIBLE, '')
    .replace(MARKS, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('\u00df', 'ss')
  return withNames(split(plain.match(WORD) ?? []), namesBySign(plain))
}

/** Most texts have none, which takes less time to see than to look for them. */
function namesBySign(plain: string): readonly string[] {
  return MAY_HAVE_NAMES.test(plain) ? (plain.match(NAME) ?? []) : []
}

function withNames(words: string[], names: readonly string[]): string[] {
  for (const name of names) words.push(name.slice(0, LONGEST))
  return words
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
    for (const run of runsOf(word)) {
      for (const { segment } of segmenter.segment(run)) words.push(segment.slice(0, LONGEST))
    }
  }
  // A mark without a letter is no word.
  else if (WORD_BEGINS.test(word)) words.push(word.slice(0, LONGEST).toWellFormed())
}

/** The parts of a text without blanks that are taken apart by themselves, none of which ends within a character. */
function* runsOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = from + LONGEST_RUN
    const isWithin = text.charCodeAt(end - 1) >>> 10 === HIGH_SURROGATES
    const to = isWithin ? end - 1 : end
    yield text.slice(from, to)
    from = to
  }
}

/** Short words in -y, which the algorithm leaves alone although it cuts 'tries' to 'tri'. */
const SHORT_IN_Y = /^[^aeiou]{2,}y$/

/** One term for all forms of an English word, by its stem (Porter, 1980); other words are terms as they are. */
export function termOf(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word
  const base = IRREGULAR_FORMS.get(word) ?? word
  return SHORT_IN_Y.test(base) ? `${base.slice(0, -1)}i` : stemmer(base)
}
