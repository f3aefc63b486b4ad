import { clientIdentifierFault } from './client-identifier.js'

/** Nothing of these is seen, or it changes how what is beside it is seen. Unicode, general categories */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u
/** White space that looks like a space and is none. */
const ODD_SPACE = /[^\P{White_Space} ]/u
/** Names of these may be written together, as is usual in Japanese, Chinese and Korean. UTS 39, section 5.2 */
const WRITTEN_TOGETHER: readonly string[] = ['Latin', 'Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Hangul']
const SCRIPTS = [
  ...WRITTEN_TOGETHER,
  ...[
    'Greek',
    'Cyrillic',
    'Armenian',
    'Hebrew',
    'Arabic',
    'Devanagari',
    'Bengali',
    'Tamil',
    'Telugu',
    'Thai',
  ],
  ...['Georgian', 'Ethiopic', 'Cherokee', 'Khmer', 'Coptic', 'Lisu', 'Osage', 'Deseret'],
].map((name) => ({ name, letters: new RegExp(`\\p{Script=${name}}`, 'u') }))
const ANY_SCRIPT = /[\p{Script=Common}\p{Script=Inherited}]/u

/** Code points that look like a Latin letter in most typefaces, by that letter. UTS 39, confusables.txt */
const CONFUSABLE = {
  O: '0030 041e 039f 0555',
  o: '043e 03bf 0585',
  l: '0031 0049 007c 0406 04c0 0399',
  i: '0456 03b9',
  A: '0410 0391',
  a: '0430 03b1',
  B: '0412 0392',
  C: '0421 03f9',
  c: '0441 03f2',
  d: '0501',
  E: '0415 0395',
  e: '0435',
  S: '0405',
  s: '0455',
  H: '041d 0397',
  h: '04bb 0570',
  J: '0408',
  j: '0458',
  K: '041a 039a',
  k: '043a',
  M: '041c 039c',
  N: '039d',
  n: '0578',
  P: '0420 03a1',
  p: '0440 03c1',
  Q: '051a',
  q: '051b',
  T: '0422 03a4',
  u: '03c5 057d',
  V: '0474',
  v: '0475 03bd',
  w: '0461 051d',
  W: '051c',
  X: '0425 03a7',
  x: '0445 03c7',
  Y: '0423 03a5',
  y: '0443 03b3',
  Z: '0396',
  g: '0581',
}
const SIMILAR = new Map(
  Object.entries(CONFUSABLE).flatMap(([letter, codes]) =>
    codes
      .split(' ')
      .map((code): [string, string] => [String.fromCodePoint(Number.parseInt(code, 16)), letter]),
  ),
)

/**
 * Why nobody should be given this client identifier: what cannot be one, or would be taken for another by whoever
 * reads it. `known` are those that there are. To follow the identifier in a sentence; undefined where nothing is wrong.
 * Clients that others let in may have any identifier; this is for commands that create one. UTS 39
 */
export function newClientNameFault(name: string, known: Iterable<string> = []): string | undefined {
  const fault = characterFault(name) ?? clientIdentifierFault(name) ?? scriptFault(name)
  if (fault !== undefined) return fault
  const skeleton = clientNameSkeleton(name)
  for (const other of known) {
    if (other !== name && clientNameSkeleton(other) === skeleton)
      return `looks like ${shownClientName(other)}, which there is`
  }
  return undefined
}

/**
 * A client identifier as it may be printed: as it is, or with the code points of all that is not printable ASCII where
 * it could be taken for another.
 */
export function shownClientName(name: string): string {
  const isClear = characterFault(name) === undefined && scriptFault(name) === undefined
  return isClear
    ? name
    : name.replace(/[^!-~]/gu, (character) => (character === ' ' ? ' ' : escaped(character)))
}

function characterFault(name: string): string | undefined {
  for (const character of name) {
    if (UNSEEN.test(character)) return `has ${codeOf(character)}, which is not seen`
    if (ODD_SPACE.test(character)) return `has ${codeOf(character)}, which looks like a space`
  }
  if (name !== name.trim()) return `${name.startsWith(' ') ? 'begins' : 'ends'} with a space (U+0020)`
  const normal = name.normalize('NFKC')
  if (normal === name) return undefined
  const odd = [...name].find((character) => character.normalize('NFKC') !== character)
  return odd === undefined
    ? `is not written in its normal form, which is ${JSON.stringify(normal)} (NFKC)`
    : `has ${codeOf(odd)}, which looks like ${JSON.stringify(odd.normalize('NFKC'))}`
}

/** Letters of several alphabets in one name are there to be taken for others. */
function scriptFault(name: string): string | undefined {
  let first: string | undefined
  for (const character of name) {
    if (ANY_SCRIPT.test(character)) continue
    const script = SCRIPTS.find(({ letters }) => letters.test(character))?.name ?? 'another script'
    first ??= script
    if (script === first) continue
    if (WRITTEN_TOGETHER.includes(first) && WRITTEN_TOGETHER.includes(script)) continue
    return `has ${codeOf(character)} (${script}) among letters of ${first}`
  }
  return undefined
}

/** A text that is the same for names that look alike, so that such can be found among many. UTS 39, section 4 */
export function clientNameSkeleton(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{Cf}/gu, '')
    .trim()
  return Array.from(plain, (character) => SIMILAR.get(character) ?? character).join('')
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
