import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Pair, setOfPairs } from './pairs.js'
import type { EvaluationSet } from './sets.js'

/** All sections of Perl's manual; those of its list of frequent questions are asked for by the questions. */
export function perlQuestions(folder: string): EvaluationSet {
  const files = readdirSync(folder).filter((name) => name.endsWith('.pod'))
  const pairs = files.toSorted().flatMap((name) => {
    const [, ...sections] = readFileSync(join(folder, name), 'latin1').split(/^=head[1-4] +/m)
    return sections.map((section): Pair => {
      const [title = '', ...lines] = section.split('\n')
      const isAsked = /^perlfaq\d/.test(name) && title.includes('?')
      return { question: isAsked ? plain(title) : '', content: plain(lines.join('\n')) }
    })
  })
  return setOfPairs("answers of Perl's manual", pairs)
}

/** The text without what is for the formatter. */
function plain(text: string): string {
  return text.replace(/^=\w+.*$/gm, '').replace(/[BCEFILSX]<+([^<>]*)>+/g, '$1')
}
