import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvaluationSet, Question, Text } from './sets.js'

/** A turn as the files of REALTALK have it, in lists by the names of their sessions. */
interface Turn {
  readonly dia_id: string
  readonly speaker: string
  readonly clean_text: string
}

interface Asked {
  readonly question: string
  /** Names of the turns that answer it, several in one text where people wrote them so. */
  readonly evidence: readonly string[]
}

/** What people wrote each other over weeks, with questions that were asked about it and the turns that answer each. */
export function talks(folder: string): EvaluationSet {
  const texts: Text[] = []
  const questions: Question[] = []
  const names = readdirSync(folder).filter((one) => one.endsWith('.json'))
  for (const name of names.toSorted()) {
    const talk = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Readonly<Record<string, unknown>>
    const places = new Map<string, number>()
    for (const [session, turns] of Object.entries(talk)) {
      if (!/^session_\d+$/.test(session)) continue
      for (const [turn, { dia_id: id, speaker, clean_text: text }] of (turns as readonly Turn[]).entries()) {
        places.set(id, texts.length)
        texts.push({ content: `${speaker}: ${text}`, session: `${name} ${session}`, turn })
      }
    }
    for (const { question, evidence } of talk['qa'] as readonly Asked[]) {
      const named = evidence.flatMap((one) => one.split(/[;,\s]+/))
      const answers = [...new Set(named.flatMap((one) => places.get(one) ?? []))]
      if (answers.length > 0) questions.push({ text: question, answers })
    }
  }
  return { name: `talks in ${folder}`, isConversation: true, texts, questions }
}
