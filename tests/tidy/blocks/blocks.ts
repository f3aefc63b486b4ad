/** A fenced block of a page of Markdown. */
export interface Block {
  /** Of the fence, from 1. */
  readonly line: number
  /** Empty where none is named. */
  readonly language: string
  readonly text: string
  /** Why it is not run, where a comment in front of it says so: `<!-- not run: why -->`. */
  readonly marker: string | undefined
}

const MARKER = /^\s*<!-- not run: (.+) -->$/

/** The blocks of a page, those in lists among them without what they are indented by. */
export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split('\n')
  const blocks: Block[] = []
  for (let i = 0; i < lines.length; i++) {
    const [, indent = '', language = ''] = /^( *)```(\w*)$/.exec(lines[i] ?? '') ?? [undefined]
    if (!/^ *```\w*$/.test(lines[i] ?? '')) continue
    const end = lines.indexOf(`${indent}\`\`\``, i + 1)
    if (end === -1) throw new Error(`line ${i + 1}: the block is never closed`)
    const text = lines.slice(i + 1, end).map((line) => `${line.slice(indent.length)}\n`)
    const before = lines.slice(0, i).findLast((line) => line.trim() !== '') ?? ''
    blocks.push({ line: i + 1, language, text: text.join(''), marker: MARKER.exec(before)?.[1] })
    i = end
  }
  return blocks
}

/** What stands between backticks in the text, not in blocks. */
export function codeSpansOf(markdown: string): string[] {
  const text = markdown.replace(/^ *```\w*\n[\s\S]*?^ *```$/gm, '')
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}
