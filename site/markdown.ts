import MarkdownIt, { type Token } from 'markdown-it'
import { anchorOf } from './pages.js'

/** A part of a page below one heading, for the search. */
export interface Section {
  readonly heading: string
  /** Empty for the part before the first heading but the title. */
  readonly anchor: string
  readonly words: string
}

export interface Rendered {
  readonly html: string
  readonly sections: readonly Section[]
}

/** What becomes of the address of a link; undefined: it is shown as text alone. */
export type Relink = (href: string) => string | undefined

const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false })

/** HTML of Markdown: headings have anchors, wide tables scroll by themselves, and raw HTML is text but for comments. */
export function render(text: string, relink: Relink): Rendered {
  const tokens = markdown.parse(text.replace(/^<!--.*?-->\n/gms, ''), {})
  const sections: { heading: string; anchor: string; words: string }[] = []
  const known = new Map<string, number>()
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const heading = textOf(tokens[i + 1])
      const anchor = unique(anchorOf(heading), known)
      token.attrSet('id', anchor)
      sections.push({ heading, anchor: token.tag === 'h1' ? '' : anchor, words: '' })
    } else if (token.type === 'inline' && tokens[i - 1]?.type !== 'heading_open') {
      const last = sections.at(-1)
      if (last !== undefined) last.words += ` ${textOf(token)}`
    }
    if (token.children !== null) relinkAll(token.children, relink)
  }
  const html = markdown.renderer
    .render(tokens, markdown.options, {})
    .replaceAll('<table>', '<div class="wide"><table>')
    .replaceAll('</table>', '</table></div>')
  return { html, sections }
}

function relinkAll(tokens: readonly Token[], relink: Relink): void {
  let isDropped = false
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const href = relink(String(token.attrGet('href') ?? ''))
      isDropped = href === undefined
      if (href === undefined) drop(token)
      else token.attrSet('href', href)
    } else if (token.type === 'link_close' && isDropped) {
      drop(token)
      isDropped = false
    } else if (token.type === 'image') {
      token.attrSet('src', relink(String(token.attrGet('src') ?? '')) ?? '')
    }
  }
}

function drop(token: Token): void {
  token.tag = 'span'
  token.attrs = null
}

function textOf(token: Token | undefined): string {
  return (token?.children ?? []).map(({ type, content }) => (type === 'softbreak' ? ' ' : content)).join('')
}

/** The second heading of one name has `-1` behind it, as in other places where Markdown is shown. */
function unique(anchor: string, known: Map<string, number>): string {
  const count = known.get(anchor)
  known.set(anchor, (count ?? -1) + 1)
  return count === undefined ? anchor : `${anchor}-${count + 1}`
}
