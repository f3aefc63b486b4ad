import { type Clause, DENIED, leadOf, MENTIONED } from './clauses.js'
import {
  CIRCUMSTANCES,
  COORDINATORS,
  DETERMINERS,
  DOING,
  ENSURERS,
  INSTRUCTIVE,
  NEGATORS,
  OPENERS,
  PARTICLES,
  PREPOSITIONS,
  PREVENTERS,
  PRONOUNS,
  QUESTION_WORDS,
} from './grammar.js'
import { findTerm, phrasesOf, type Span } from './phrases.js'
import type { Text } from './text.js'
import { termList, type Word } from './words.js'

/** Verbs, what they may be done to, and, if given, `['*']` where any topic is harmless: [read, texts, ['*']]. */
export type Deed = readonly (readonly string[])[]

/** What is known to be harmless, and what must not stand beside it. */
export interface Habits {
  readonly deeds: readonly Deed[]
  /** Deeds that are harmless when they are *not* done: "do not delete the records". */
  readonly spared: readonly Deed[]
  /** Words that are harmless whatever they stand beside. */
  readonly plain: readonly string[]
  /** Words that make a deed more than ordinary. */
  readonly delicate: readonly string[]
  /** Phrases within which delicate words are harmless. */
  readonly exempt: readonly string[]
}

interface Match {
  readonly deed: Deed
  readonly end: number
}

const ANYTHING = '*'
/** Any name, as an object. */
const NAME = '@'
/** How far back a pronoun may point, in words. */
const PRONOUN_REACH = 120

/**
 * Whether all that is proposed is ordinary. A verb alone proves nothing ("read" a book or a password), so each clause
 * has to be a known verb done to a known object, and all its other words have to be known too: an unknown adjective
 * or adverb can make any deed a wrong one. One delicate word makes the whole unordinary.
 */
export class OrdinaryDay {
  readonly #text: Text
  readonly #words: readonly Word[]
  readonly #clauses: readonly Clause[]
  readonly #unmeant: Uint8Array
  readonly #habits: Habits
  readonly #known: Uint8Array
  readonly #harmless: Uint8Array
  readonly #areNamesTold: boolean

  constructor(text: Text, clauses: readonly Clause[], unmeantMarks: Uint8Array, habits: Habits) {
    const { words } = text
    this.#text = text
    this.#words = words
    this.#clauses = clauses
    this.#unmeant = unmeantMarks
    this.#habits = habits
    this.#known = new Uint8Array(words.length)
    this.#harmless = new Uint8Array(words.length)
    this.#areNamesTold = words.filter((word) => word.isName).length * 2 <= words.length
  }

  /** The first verb, when all is ordinary. */
  holds(): Span | undefined {
    const leads = this.#clauses.map((clause) => leadOf(this.#words, clause))
    this.#mark(this.#known, this.#habits.plain)
    for (const deed of this.#habits.deeds) {
      for (const list of deed.slice(0, 2)) this.#mark(this.#known, list)
    }
    this.#mark(this.#harmless, this.#habits.exempt)
    let found: Span | undefined
    let current: Match | undefined
    for (const [index, clause] of this.#clauses.entries()) {
      const lead = leads[index] ?? clause.end
      if (clause.isContinuation) {
        if (current === undefined || !this.#isTailFine(clause, clause.start, current)) return undefined
        continue
      }
      if (lead >= clause.end) continue
      if (this.#isAside(clause, lead)) continue
      if (!this.#isSpared(clause, lead)) {
        current = this.#deedIn(clause, lead)
        if (current === undefined || !this.#isTailFine(clause, lead, current)) return undefined
      }
      found ??= { start: lead, end: lead + 1 }
    }
    return found
  }

  #mark(marks: Uint8Array, terms: readonly string[]): void {
    if (terms[0] === ANYTHING) return
    const list = termList(terms)
    for (const index of this.#text.startsOf(list, 0, this.#words.length)) {
      const length = list.lengthAt(this.#words, index, this.#words.length)
      marks.fill(1, index, index + length)
    }
  }

  /** "in the kitchen, ..." and "... after the meeting": it names circumstances, all of them known. */
  #isAside(clause: Clause, lead: number): boolean {
    const opens = this.#words[clause.start]?.text ?? ''
    const isAside = CIRCUMSTANCES.has(opens) || PREPOSITIONS.has(this.#words[lead]?.text ?? '')
    return isAside && this.#isAllKnown({ start: clause.start, end: clause.end }) && this.#isCalm(clause)
  }

  /** Something harmful is kept from being done. */
  #isSpared(clause: Clause, lead: number): boolean {
    const opening = this.#words.slice(clause.start, lead + 3)
    const keeps = opening.some(
      (word) =>
        NEGATORS.has(word.text) ||
        PREVENTERS.has(word.text) ||
        ENSURERS.has(word.text) ||
        [...word.forms].some((form) => PREVENTERS.has(form)),
    )
    if (!keeps) return false
    let isSpared = false
    for (let at = clause.start; at < clause.end; at++) {
      if (this.#unmeant[at] !== DENIED) continue
      for (const [verbs = [], objects = []] of this.#habits.spared) {
        const length = termList(verbs).lengthAt(this.#words, at, clause.end)
        if (length === 0) continue
        if (objects[0] === ANYTHING || findTerm(this.#text, clause, objects)) isSpared = true
      }
    }
    return isSpared
  }

  /** The deed of the clause; an opener such as "start" is a verb where nothing else is. */
  #deedIn(clause: Clause, lead: number): Match | undefined {
    for (let at = lead; at >= clause.start; at--) {
      const match = this.#deedAt(at, clause.end)
      if (match !== undefined) return match
    }
    return undefined
  }

  /** The deed whose verb stands here, and whose objects are all known to it. */
  #deedAt(at: number, end: number): Match | undefined {
    for (const deed of this.#habits.deeds) {
      const [verbs = [], objects = []] = deed
      const length = termList(verbs).lengthAt(this.#words, at, end, true)
      if (length === 0) continue
      const match = { deed, end: at + length }
      if (objects[0] === ANYTHING) {
        // "do what it says" asks nothing.
        if (QUESTION_WORDS.has(this.#words[at]?.text ?? '') && this.#words[at - 1]?.text === 'do') continue
        return match
      }
      const direct = this.#directPhrases(match.end, end)
      const found = direct.map((phrase) => this.#objectIn(phrase, objects))
      if (direct.length === 0 || found.includes(undefined)) continue
      // What a pair allows is harmless in it, even where it is delicate elsewhere: "kill the process".
      for (const span of [{ start: at, end: match.end }, ...found]) {
        if (span) this.#harmless.fill(1, span.start, span.end)
      }
      return match
    }
    return undefined
  }

  /** What the verb acts on; "for a recipe" where nothing stands directly after "search". */
  #directPhrases(start: number, end: number): Span[] {
    let stop = start
    while (stop < end && !PREPOSITIONS.has(this.#words[stop]?.text ?? '')) stop++
    const direct = phrasesOf(this.#words, start, stop).filter((phrase) => !this.#isEmpty(phrase))
    return direct.length > 0 ? direct : phrasesOf(this.#words, stop, end).slice(0, 1)
  }

  #isEmpty(phrase: Span): boolean {
    return this.#slice(phrase).every((word) => PARTICLES.has(word.text) || word.text.endsWith('ly'))
  }

  #objectIn(phrase: Span, objects: readonly string[]): Span | undefined {
    const found = findTerm(this.#text, phrase, objects, true)
    if (found) return found
    const words = this.#slice(phrase)
    if (objects.includes(NAME)) {
      const at = words.findIndex((word) => word.isName && !word.isPossessive)
      if (at >= 0 && this.#areNamesTold) return { start: phrase.start + at, end: phrase.start + at + 1 }
    }
    if (words.every((word) => PRONOUNS.has(word.text) || PARTICLES.has(word.text))) {
      const before = { start: Math.max(0, phrase.start - PRONOUN_REACH), end: phrase.start }
      return findTerm(this.#text, before, objects, true) && phrase
    }
    // "fix the typo and run all tests": another deed without an article, which the clause did not end for.
    const isCoordinated = COORDINATORS.has(this.#words[phrase.start - 1]?.text ?? '')
    return isCoordinated && this.#deedAt(phrase.start, phrase.end) !== undefined ? phrase : undefined
  }

  /** Whether the rest of the clause is as harmless as its deed. */
  #isTailFine(clause: Clause, lead: number, { deed, end }: Match): boolean {
    const [, objects = [], topics = []] = deed
    const topic = topics[0] === ANYTHING ? this.#topicIn(clause) : clause.end
    if (!this.#isCalm({ start: clause.start, end: topic })) return false
    if (objects[0] === ANYTHING) return !this.#isManual(clause) || this.#isAllKnown(clause)
    const rest = { start: Math.max(lead, Math.min(end, clause.end)), end: topic }
    return this.#isAllKnown(rest)
  }

  /** Where the clause only talks about something from, unless what it talks about is a manual. */
  #topicIn(clause: Clause): number {
    if (this.#isManual(clause)) return clause.end
    let start = clause.start
    while (start < clause.end && this.#unmeant[start] !== MENTIONED) start++
    return start
  }

  /** It says or asks how to do something, which is nearer to doing it than an article about it is. */
  #isManual(clause: Clause): boolean {
    return this.#slice(clause).some(
      (word, index) =>
        INSTRUCTIVE.has(word.text) && DOING.has(this.#words[clause.start + index + 1]?.text ?? ''),
    )
  }

  #isSmall(index: number): boolean {
    const text = this.#words[index]?.text ?? ''
    return DETERMINERS.has(text) || PRONOUNS.has(text) || PARTICLES.has(text) || /^[a-z]{3,}ly$/.test(text)
  }

  #isAllKnown(span: Span): boolean {
    for (let index = span.start; index < span.end; index++) if (!this.#isKnown(index)) return false
    return true
  }

  #isKnown(index: number): boolean {
    const word = this.#words[index]
    if (word === undefined) return false
    if (this.#known[index] === 1 || this.#harmless[index] === 1) return true
    if (/^\d/.test(word.text) || (word.isName && this.#areNamesTold)) return true
    return (
      this.#isSmall(index) ||
      OPENERS.has(word.text) ||
      PREPOSITIONS.has(word.text) ||
      COORDINATORS.has(word.text) ||
      CIRCUMSTANCES.has(word.text) ||
      word.text === 'not'
    )
  }

  /** Nothing delicate stands here, or only where it is known to be harmless. */
  #isCalm(span: Span): boolean {
    const list = termList(this.#habits.delicate)
    for (const index of this.#text.startsOf(list, span.start, span.end)) {
      const length = list.lengthAt(this.#words, index, span.end)
      if (length === 0) continue
      for (let at = index; at < index + length; at++) if (this.#harmless[at] !== 1) return false
    }
    return true
  }

  #slice(span: Span): readonly Word[] {
    return this.#words.slice(span.start, span.end)
  }
}
