import { type EvaluationSet, type Question, randomFrom, type Text } from './sets.js'
import { NAMES, SMALL_TALK, TOPICS, type Topic } from './topics.js'

const PAIRS = 10
const SESSIONS = 16
/** What is talked about in one session, beside remarks about nothing. */
const TOPICS_A_SESSION = 3

/**
 * Conversations of pairs of people over many sessions, in which each tells of his life and some of it changes later. A
 * question names who told it and asks in words of its own; it is answered by the turn that told it last.
 */
export function conversations(seed: number): EvaluationSet {
  const random = randomFrom(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const texts: Text[] = []
  const questions = new Map<string, Question>()
  for (let pair = 0; pair < PAIRS; pair++) {
    const people = NAMES.slice(pair * 2, pair * 2 + 2) as [string, string]
    for (let number = 0; number < SESSIONS; number++) {
      const session = `${people.join('-')}-${number}`
      let turn = 0
      const say = (speaker: string, line: string): number =>
        texts.push({ content: `${speaker}: ${line}`, session, turn: turn++ }) - 1
      say(people[0], `Hi ${people[1]}! ${pick(SMALL_TALK)}`)
      for (let i = 0; i < TOPICS_A_SESSION; i++) {
        const topic: Topic = pick(TOPICS)
        const teller = random() < 0.5 ? 0 : 1
        const told = discuss(topic, people[teller] as string, people[1 - teller] as string, {
          pick,
          random,
          say,
        })
        // What was told later about the same takes the place of what was told before.
        questions.set(`${people[teller]} ${TOPICS.indexOf(topic)}`, {
          text: pick(topic.questions).replace('@', people[teller] as string),
          answers: [told],
        })
      }
      say(people[1], `${pick(SMALL_TALK)} Talk to you soon, ${people[0]}.`)
    }
  }
  return { name: 'conversations', isConversation: true, texts, questions: [...questions.values()] }
}

interface Talk {
  readonly pick: <Item>(items: readonly Item[]) => Item
  readonly random: () => number
  readonly say: (speaker: string, line: string) => number
}

/** One asks, the other tells; gives the place of the turn that told it. */
function discuss(topic: Topic, teller: string, other: string, { pick, random, say }: Talk): number {
  if (random() < 0.7) say(other, `${pick(topic.asked)}${random() < 0.3 ? ` Tell me, ${teller}!` : ''}`)
  const told = say(teller, pick(topic.told).replace('*', pick(topic.values)))
  if (random() < 0.6) say(other, pick(SMALL_TALK))
  if (random() < 0.8) say(teller, pick(topic.remarks))
  if (random() < 0.4) say(other, pick(SMALL_TALK))
  return told
}
