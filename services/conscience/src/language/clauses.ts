import {
  BE,
  BREAKS,
  CONTROL_VERBS,
  COORDINATORS,
  DETERMINERS,
  FICTION,
  NEGATION_FILLERS,
  NEGATORS,
  OPENERS,
  PREPOSITIONS,
  PREVENTERS,
  QUESTION_WORDS,
  RELATIVES,
  SUGGESTIONS,
  TELLING,
  TOPIC_MARKERS,
  TOPIC_PREPOSITIONS,
  WRITINGS,
} from './grammar.js'
import type { Word } from './words.js'

/**
 * A stretch of words that says one thing: words[start, end). `isContinuation` when it was cut off only because the
 * thought grew longer than anyone's, which bounds the work on hostile text.
 */
export interface Clause {
  readonly start: number
  readonly end: number
  readonly isContinuation: boolean
}

const MAXIMUM_CLAUSE_WORDS = 80

function has(word: Word | undefined, list: ReadonlySet<string>): boolean {
  if (word === undefined) return false
  if (list.has(word.text)) return true
  for (const form of word.forms) if (list.has(form)) return true
  return false
}

function isExactly(word: Word | undefined, list: ReadonlySet<string>): boolean {
  return word !== undefined && list.has(word.text)
}

const isFunctionWord = (word: Word | undefined): boolean =>
  isExactly(word, DETERMINERS) || isExactly(word, PREPOSITIONS) || isExactly(word, COORDINATORS)

/** "... delete the records": a word that opens a new order after a comma or an "and", rather than another noun. */
function looksLikeOrder(words: readonly Word[], at: number): boolean {
  let index = at
  while (isExactly(words[index], OPENERS) && !isFunctionWord(words[index])) index++
  const [first, second] = [words[index], words[index + 1]]
  if (first === undefined || second === undefined) return false
  if (second.gap === 'soft' || second.gap === 'hard' || isFunctionWord(first) || first.isPossessive)
    return false
  return isExactly(second, DETERMINERS) || /^\d/.test(second.text)
}

function opensClause(words: readonly Word[], index: number): boolean {
  const word = words[index]
  if (word?.gap === 'hard' || isExactly(word, BREAKS)) return true
  if (word?.text === 'by' && words[index + 1]?.text.endsWith('ing') === true) return true
  const isCoordinated = isExactly(word, COORDINATORS)
  if (!isCoordinated && word?.gap !== 'soft') return false
  return looksLikeOrder(words, isCoordinated ? index + 1 : index)
}

/** Cuts the words into clauses. */
export function clausesOf(words: readonly Word[]): Clause[] {
  const clauses: Clause[] = []
  let [start, isContinuation] = [0, false]
  for (let index = 1; index <= words.length; index++) {
    const isCut = index - start >= MAXIMUM_CLAUSE_WORDS
    if (index < words.length && !isCut && !opensClause(words, index)) continue
    clauses.push({ start, end: index, isContinuation })
    start = index
    isContinuation = isCut && !opensClause(words, index)
  }
  return clauses
}

/** Where the clause's own verb stands: after "please", "I will", "the agent should", ... */
export function leadOf(words: readonly Word[], clause: Clause): number {
  let index = clause.start
  while (index < clause.end) {
    const word = words[index]
    const isSkipped =
      isExactly(word, OPENERS) ||
      isExactly(word, COORDINATORS) ||
      isExactly(word, BREAKS) ||
      (words[index + 1]?.text === 'to' && has(word, CONTROL_VERBS)) ||
      (word?.text.endsWith('ly') === true && word.text.length > 4)
    if (!isSkipped) break
    index++
  }
  return index
}

/** Index from which the clause only talks about something, or its end when it does not. */
function topicStart(words: readonly Word[], clause: Clause): number {
  const lead = leadOf(words, clause)
  const asksAt = isExactly(words[lead], QUESTION_WORDS) ? lead : -1
  if (asksAt >= 0 && !isExactly(words[asksAt + 1], SUGGESTIONS)) return asksAt + 1
  if (!has(words[lead], TELLING)) return clause.end
  let isFiction = false
  for (let index = lead + 1; index < clause.end; index++) {
    const word = words[index]
    if (has(word, FICTION)) isFiction = true
    if (isExactly(word, TOPIC_MARKERS)) return index + 1
    if (isExactly(word, TOPIC_PREPOSITIONS) && has(words[index - 1], WRITINGS)) return index + 1
    if (isFiction && isExactly(word, RELATIVES)) return index + 1
  }
  return clause.end
}

/** Whether the verb at `index` is denied, where `isKept` tells whether a preventer stands before it in the clause: "do not delete", "without deleting", but not "never fail to delete". */
function isNegated(words: readonly Word[], index: number, start: number, isKept: boolean): boolean {
  let from = index - 1
  while (from > start && isExactly(words[from], BE)) from--
  if (words[from]?.text === 'from' && isKept) return true
  let before = index - 1
  while (before >= start && isExactly(words[before], NEGATION_FILLERS)) before--
  if (before < start || !isExactly(words[before], NEGATORS)) return false
  if (words[before - 1]?.text === 'why') return false
  const earlier = words.slice(Math.max(start, before - 3), before)
  return !earlier.some((word) => isExactly(word, NEGATORS) || word.text === 'no')
}

/** In the marks of `unmeant`. */
export const MENTIONED = 1
export const DENIED = 2

/** For each word 0, or whether it, used as a verb, would be merely talked about (MENTIONED) or denied (DENIED). */
export function unmeant(words: readonly Word[], clauses: readonly Clause[]): Uint8Array {
  const marks = new Uint8Array(words.length)
  for (const clause of clauses) {
    const topic = topicStart(words, clause)
    let isKept = false
    for (let index = clause.start; index < clause.end; index++) {
      if (index >= topic) marks[index] = MENTIONED
      else if (isNegated(words, index, clause.start, isKept)) marks[index] = DENIED
      isKept ||= has(words[index], PREVENTERS)
    }
  }
  return marks
}
