import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { packagesIn } from './machine-texts.js'
import { evenly } from './pairs.js'
import type { EvaluationSet, Question, Text } from './sets.js'

/** Paragraphs of fewer words answer nothing. */
const LEAST_WORDS = 12

interface Section {
  readonly titles: readonly string[]
  readonly lines: string[]
}

/**
 * Paragraphs of documentation, and as questions the titles of their sections, each with that of the section above: it
 * is answered by the paragraphs below it, none of which has the title itself. Reads Markdown and reStructuredText.
 */
export function documents(folder: string): EvaluationSet {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(?:md|rst|rst\.txt)$/.test(name),
  )
  return sectionsByTitle(
    'documents',
    files.toSorted().map((name) => join(folder, name)),
    (text) => text,
  )
}

/** The same of the packages of npm, without what is code. */
export function readmeSections(modules: string): EvaluationSet {
  const files = packagesIn(modules).map((folder) => join(folder, 'README.md'))
  const withoutCode = (text: string): string => text.replace(/^```.*?^```/gms, '')
  const { texts, questions } = sectionsByTitle(
    'readmes by section',
    files.filter((file) => existsSync(file)),
    withoutCode,
  )
  return { name: 'readmes by section', texts, questions: evenly(questions, 400) }
}

function sectionsByTitle(
  setName: string,
  files: readonly string[],
  prepared: (text: string) => string,
): EvaluationSet {
  const texts: Text[] = []
  const questions: Question[] = []
  for (const name of files) {
    const text = prepared(readFileSync(name, 'utf8'))
    for (const { titles, lines } of name.endsWith('.md') ? markdown(text) : restructured(text)) {
      const paragraphs = paragraphsOf(lines)
      const question = titles.slice(-2).join(' ').replace(/[`*:]/g, ' ')
      const answers = paragraphs.map((content, turn) => {
        return texts.push({ content, session: `${relative('.', name)} ${titles.join('/')}`, turn }) - 1
      })
      if (answers.length > 0 && question.split(/\s+/).length > 1) questions.push({ text: question, answers })
    }
  }
  return { name: setName, texts, questions }
}

function paragraphsOf(lines: readonly string[]): string[] {
  const text = lines
    .join('\n')
    .replace(/^\.\. .*$/gm, '')
    .replace(/:[\w-]+:`([^`]*)`/g, '$1')
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph.split(' ').length >= LEAST_WORDS)
}

function markdown(text: string): Section[] {
  const sections: Section[] = []
  let path: string[] = []
  for (const line of text.split('\n')) {
    const [, marks, title] = /^(#{1,6}) +(.*)$/.exec(line) ?? []
    if (marks === undefined || title === undefined) {
      sections.at(-1)?.lines.push(line)
      continue
    }
    path = [...path.slice(0, marks.length - 1), title]
    sections.push({ titles: path.filter(Boolean), lines: [] })
  }
  return sections
}

/** Titles are underlined, by another character on each level. */
function restructured(text: string): Section[] {
  const sections: Section[] = []
  const levels: string[] = []
  let path: string[] = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').trim()
    const below = (lines[i + 1] ?? '').trim()
    const isTitle = line !== '' && /^([=\-~^*+#"])\1{2,}$/.test(below) && below.length >= line.length - 2
    if (!isTitle) {
      sections.at(-1)?.lines.push(lines[i] ?? '')
      continue
    }
    const mark = below.charAt(0)
    if (!levels.includes(mark)) levels.push(mark)
    path = [...path.slice(0, levels.indexOf(mark)), line]
    sections.push({ titles: path.filter(Boolean), lines: [] })
    i++
  }
  return sections
}
