import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvaluationSet, Question, Text } from './sets.js'

/** As the files of FriendsQA have them. */
interface Scene {
  readonly title: string
  readonly paragraphs: readonly {
    readonly 'utterances:': readonly {
      readonly uid: number
      readonly speakers: readonly string[]
      readonly utterance: string
    }[]
    readonly qas: readonly {
      readonly question: string
      readonly answers: readonly { readonly utterance_id: number }[]
    }[]
  }[]
}

/** Scenes of a television series with questions that people asked about them: each is answered by what was said. */
export function dialogues(folder: string): EvaluationSet[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.toSorted().map((name) => {
    const { data } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { data: readonly Scene[] }
    const texts: Text[] = []
    const questions = data.flatMap((scene) => asked(scene, texts))
    return { name: `dialogues of ${name}`, isConversation: true, texts, questions }
  })
}

/** The questions about a scene, the turns of which are added to the texts; a scene is a session. */
function asked({ title, paragraphs }: Scene, texts: Text[]): Question[] {
  return paragraphs.flatMap(({ 'utterances:': utterances, qas }) => {
    const places = new Map<number, number>()
    for (const { uid, speakers, utterance } of utterances) {
      places.set(uid, texts.length)
      texts.push({ content: `${speakers.join(', ')}: ${utterance}`, session: title, turn: uid })
    }
    return qas.flatMap(({ question, answers: spans }): Question[] => {
      const answers = [...new Set(spans.flatMap(({ utterance_id: id }) => places.get(id) ?? []))]
      return answers.length === 0 ? [] : [{ text: question, answers }]
    })
  })
}
