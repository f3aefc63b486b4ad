import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Pair, setOfPairs } from './pairs.js'
import type { EvaluationSet } from './sets.js'

const MANUALS = '/usr/share/man'
const SECTIONS = ['man1', 'man2', 'man3', 'man4', 'man5', 'man7', 'man8']
/** Pages of one program, which may have one for each of its commands. */
const PAGES_A_PROGRAM = 40
const FONTS = /^\.(?:[BIR]|[BIR][BIR]|SM|SB)\s+/
const BREAKS = /^\.(?:TP|PP|P|LP|IP|HP|br|sp|RS|RE)\b/

interface ManualPage {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly related: readonly string[]
}

/** The descriptions of manual pages by the line that says what each is for. */
export function manualsBySummary(): EvaluationSet {
  const pairs = manualPages().map(({ summary, description }) => ({ question: summary, content: description }))
  return setOfPairs('manuals by summary', pairs)
}

/** By the first sentence of the description, which the text is without: found should be the pages that it names, too. */
export function manualsByMatter(): EvaluationSet {
  const pairs = manualPages().flatMap(({ name, description, related }): Pair[] => {
    const [, question, content] = /^(.*?[a-z)]\.)\s+([A-Z].*)$/.exec(description.replace(/\s+/g, ' ')) ?? []
    return question === undefined || content === undefined
      ? []
      : [{ question, content, names: [name], related }]
  })
  return setOfPairs('manuals by matter', pairs)
}

function manualPages(): ManualPage[] {
  const programs = new Map<string, number>()
  const pages: ManualPage[] = []
  for (const section of SECTIONS) {
    const folder = join(MANUALS, section)
    for (const file of existsSync(folder) ? readdirSync(folder).toSorted() : []) {
      const program = file.split(/[-_.:]/)[0] ?? ''
      const count = programs.get(program) ?? 0
      if (count >= PAGES_A_PROGRAM || !file.endsWith('.gz')) continue
      const page = manualPage(file, gunzipSync(readFileSync(join(folder, file))).toString('utf8'))
      if (page === undefined) continue
      programs.set(program, count + 1)
      pages.push(page)
    }
  }
  return pages
}

/** Undefined where it only refers to another page, or is written in other macros. */
function manualPage(file: string, source: string): ManualPage | undefined {
  const sections = new Map<string, string>()
  let title = ''
  for (const line of source.split('\n')) {
    const [, heading] = /^\.SH\s+"?([^"]*)"?/.exec(line) ?? []
    if (heading !== undefined) title = heading.trim()
    else if (title !== '') sections.set(title, (sections.get(title) ?? '') + shown(line))
  }
  const [, summary] = / - (.*)$/.exec((sections.get('NAME') ?? '').replace(/\s+/g, ' ').trim()) ?? []
  const description = sections.get('DESCRIPTION')
  if (summary === undefined || description === undefined) return undefined
  const related = [...(sections.get('SEE ALSO') ?? '').matchAll(/([\w.:+-]+) ?\((\d\w*)\)/g)]
  return {
    name: file.replace(/\.gz$/, ''),
    summary,
    description,
    related: related.map(([, name, number]) => `${name}.${number}`),
  }
}

/** The text of a line of a page, without what is for the formatter. */
function shown(line: string): string {
  if (BREAKS.test(line)) return '\n'
  const text = FONTS.test(line) ? line.replace(FONTS, '').replaceAll('"', '') : line
  if (/^[.']/.test(text)) return ''
  const plain = text
    .replace(/\\f(?:\(..|\[[^\]]*\]|.)/g, '')
    .replace(/\\s[-+]?\d+/g, '')
    .replace(/\\(?:\((?:aq|cq|oq)|')/g, "'")
    .replace(/\\-/g, '-')
    .replace(/\\(?:\(..|\*\(..|\*.|\[[^\]]*\]|[&%|^/,c:])/g, '')
    .replace(/\\(.)/g, '$1')
  return ` ${plain}`
}
