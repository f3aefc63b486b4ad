import { CONTENT_CHARACTERS } from '@jamey/contracts'

const ATX = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/
const SETEXT = /^ {0,3}(=+|-{2,})$/
const RULE = /^ {0,3}([-*_=])( *\1){2,}$/
const FENCE = /^ {0,3}(```+|~~~+)/
/** Lines at the head of a file that programs read: `title: Notes`. */
const FRONT = /^---[ \t]*\n([\w-]+:[\s\S]*?)\n---[ \t]*(?:\n|$)/
const LINE_END = /\r\n|[\n\r\f\u2029]/

/** A part of a text that is worth remembering by itself. */
export interface TextPiece {
  /** The paragraph, below the headings that it stands under. */
  readonly content: string
  /** The outermost first. */
  readonly headings: readonly string[]
}

interface Heading {
  /** 1 to 6. */
  readonly level: number
  readonly title: string
}

/**
 * The paragraphs of a Markdown text, each with the headings above it, for it says little without them. A heading with
 * nothing below stands for itself; a fenced block of code stays whole; horizontal rules are left out. What is longer than
 * the text of a memory may be is cut at a sentence or a space.
 */
export function markdownPieces(text: string, maximumCharacters = CONTENT_CHARACTERS): TextPiece[] {
  const pieces: TextPiece[] = []
  let path: Heading[] = []
  let isBare = false
  const headings = () => path.map(({ title }) => title)
  const finishHeading = () => {
    if (isBare) pieces.push(...piecesOf([], headings().join(' > '), maximumCharacters))
    isBare = false
  }
  for (const block of markdownBlocks(text)) {
    if (typeof block === 'string') {
      isBare = false
      pieces.push(...piecesOf(headings(), block, maximumCharacters))
      continue
    }
    const isBelow = block.level > (path.at(-1)?.level ?? 0)
    if (!isBelow) finishHeading()
    path = [...path.filter(({ level }) => level < block.level), block]
    isBare = true
  }
  finishHeading()
  return pieces
}

/** The paragraphs of any other text: what blank lines stand between. */
export function plainPieces(text: string, maximumCharacters = CONTENT_CHARACTERS): TextPiece[] {
  const pieces: TextPiece[] = []
  let lines: string[] = []
  for (const line of [...linesOf(text), '']) {
    if (line.trim() !== '') {
      lines.push(line.trimEnd())
      continue
    }
    if (lines.length > 0) pieces.push(...piecesOf([], lines.join('\n'), maximumCharacters))
    lines = []
  }
  return pieces
}

function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(LINE_END)
}

function* markdownBlocks(text: string): Generator<string | Heading> {
  const whole = linesOf(text).join('\n')
  const [front = '', fields] = FRONT.exec(whole) ?? []
  if (fields !== undefined) yield fields
  let lines: string[] = []
  let fence: string | undefined
  const taken = (): string[] => {
    const block = lines.join('\n').trimEnd().replace(/^\n+/, '')
    lines = []
    return block.trim() === '' ? [] : [block]
  }
  for (const line of whole.slice(front.length).split('\n')) {
    const mark = FENCE.exec(line)?.[1]
    if (fence !== undefined || mark !== undefined) {
      lines.push(line.trimEnd())
      if (fence === undefined) fence = mark
      else if (mark?.startsWith(fence)) fence = undefined
      continue
    }
    const [, hashes = '', title = ''] = ATX.exec(line) ?? []
    const under = SETEXT.exec(line.trimEnd())?.[1]
    const [above] = lines
    if (hashes !== '') {
      yield* taken()
      if (title !== '') yield { level: hashes.length, title }
    } else if (under !== undefined && above !== undefined && lines.length === 1 && !RULE.test(above)) {
      lines = []
      yield { level: under.startsWith('=') ? 1 : 2, title: above.trim() }
    } else if (line.trim() === '' || (RULE.test(line.trimEnd()) && lines.length === 0)) yield* taken()
    else lines.push(line.trimEnd())
  }
  yield* taken()
}

/** The pieces of one paragraph: more than one where it is longer than a memory may be. */
function piecesOf(headings: readonly string[], paragraph: string, maximum: number): TextPiece[] {
  let context = headings
  const length = () => context.join(' > ').length + 2
  // Headings longer than that are no context any more.
  while (context.length > 0 && length() > maximum / 2) context = context.slice(1)
  const above = context.length === 0 ? '' : `${context.join(' > ')}\n\n`
  return cut(paragraph, maximum - above.length).map((part) => ({ content: above + part, headings }))
}

function cut(paragraph: string, maximum: number): string[] {
  const pieces: string[] = []
  let rest = paragraph
  while (rest.length > maximum) {
    const end = cutPosition(rest, maximum)
    pieces.push(rest.slice(0, end).trim())
    rest = rest.slice(end).trim()
  }
  if (rest !== '') pieces.push(rest)
  return pieces
}

/** Offset of a cut: after the last sentence that fits, else at the last space, else between two whole characters. */
function cutPosition(text: string, maximum: number): number {
  const window = text.slice(0, maximum)
  const sentence = Math.max(window.lastIndexOf('. '), window.lastIndexOf('! '), window.lastIndexOf('? '))
  if (sentence > maximum / 2) return sentence + 1
  const space = Math.max(window.lastIndexOf(' '), window.lastIndexOf('\n'))
  if (space > 0) return space
  // A cut between the halves of a surrogate pair would store two broken characters.
  return /[\uD800-\uDBFF]$/.test(window) ? maximum - 1 : maximum
}
