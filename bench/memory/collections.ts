import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvaluationSet, Question } from './sets.js'

/** What a document of a collection is found by: its title and its text. */
const SEARCHED = ['T', 'W']

/** A document or a question as the SMART system wrote it: `.I` and its number, then fields by their letters. */
interface SmartRecord {
  readonly number: number
  readonly fields: ReadonlyMap<string, string>
}

/**
 * A collection with judgements of relevance in the form of the SMART system: one file each of documents (`.ALL`), of
 * questions (`.QRY`) and of which document answers which (`.REL`, two numbers at the beginning of each line).
 */
export function collection(folder: string): EvaluationSet {
  const names = readdirSync(folder)
  const text = (ending: string): string => {
    const name = names.find((one) => one.toLowerCase().endsWith(ending))
    if (name === undefined) throw new Error(`${folder} has no file that ends in ${ending}`)
    return readFileSync(join(folder, name), 'latin1')
  }
  const documents = recordsOf(text('.all'))
  const places = new Map(documents.map(({ number }, place) => [number, place]))
  const answers = new Map<number, Set<number>>()
  for (const line of text('.rel').split('\n')) {
    const [question, document] = line.trim().split(/\s+/).map(Number)
    const place = places.get(document ?? Number.NaN)
    if (question !== undefined && place !== undefined)
      answers.set(question, (answers.get(question) ?? new Set()).add(place))
  }
  return {
    name: `collection in ${folder}`,
    texts: documents.map(({ fields }) => ({ content: searched(fields) })),
    questions: recordsOf(text('.qry')).flatMap(({ number, fields }): Question[] => {
      const found = answers.get(number)
      return found === undefined ? [] : [{ text: fields.get('W') ?? '', answers: [...found] }]
    }),
  }
}

function recordsOf(text: string): SmartRecord[] {
  const [, ...records] = text.split(/^\.I +/m)
  return records.map((record) => {
    const [number, ...parts] = record.split(/^\.([A-Z])\s*$/m)
    const fields = new Map<string, string>()
    for (let i = 0; i + 1 < parts.length; i += 2) {
      const letter = parts[i] as string
      fields.set(letter, `${fields.get(letter) ?? ''} ${parts[i + 1]}`.replace(/\s+/g, ' ').trim())
    }
    return { number: Number(number), fields }
  })
}

/** A memory has some text, whatever a document lacks. */
function searched(fields: ReadonlyMap<string, string>): string {
  return (
    SEARCHED.map((letter) => fields.get(letter) ?? '')
      .filter(Boolean)
      .join('. ') || '-'
  )
}
