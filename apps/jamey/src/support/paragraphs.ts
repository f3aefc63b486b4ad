/** The longest content a memory may have; longer paragraphs are cut at a sentence or a space. */
const MAXIMUM_PARAGRAPH_CHARACTERS = 100_000

const HEADING = /^(#{1,6} .*|[^\n]+\n(=+|-{2,}))$/
const RULE = /^([-*_=])( *\1){2,}$/
const FENCE = /^ {0,3}(```+|~~~+)/

/**
 * Splits a text into what is worth remembering by itself: paragraphs, separated by blank lines. A heading
 * says nothing alone and leads the paragraph below it; a fenced block of code stays whole; horizontal rules
 * are left out.
 */
export function splitParagraphs(text: string, maximumCharacters = MAXIMUM_PARAGRAPH_CHARACTERS): string[] {
  const paragraphs: string[] = []
  let headings: string[] = []
  for (const block of blocksOf(text)) {
    if (RULE.test(block)) continue
    if (HEADING.test(block)) {
      headings.push(block)
      continue
    }
    paragraphs.push([...headings, block].join('\n\n'))
    headings = []
  }
  if (headings.length > 0) paragraphs.push(headings.join('\n\n'))
  return paragraphs.flatMap((paragraph) => cut(paragraph, maximumCharacters))
}

function blocksOf(text: string): string[] {
  const blocks: string[] = []
  let lines: string[] = []
  let fence: string | undefined
  const finish = () => {
    const block = lines.join('\n').trimEnd()
    if (block.trim() !== '') blocks.push(block.replace(/^\n+/, ''))
    lines = []
  }
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|[\n\r\f\u2029]/)) {
    const mark = FENCE.exec(line)?.[1]
    if (fence === undefined && mark !== undefined) fence = mark
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined
    if (line.trim() === '' && fence === undefined) finish()
    else lines.push(line.trimEnd())
  }
  finish()
  return blocks
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
