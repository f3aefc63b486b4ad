import { type Clause, clausesOf, leadOf, unmeant } from './clauses.js'
import { ARTICLES, BE, DETERMINERS, LIGHT_VERBS, OPENERS, PREPOSITIONS, PRONOUNS } from './grammar.js'
import { type Habits, OrdinaryDay } from './ordinary-day.js'
import { findTerm, phrasesOf, type Span } from './phrases.js'
import { Text } from './text.js'
import { termList, type Word } from './words.js'

/** Matches any noun, as the object of a verb. */
const ANYTHING = '*'
/** How far back a pronoun may point, in words. */
const PRONOUN_REACH = 120
const MAXIMUM_QUOTE = 60

/**
 * An action, read: which words it holds, which of them are deeds, and what the deeds are done to.
 *
 * It is a shallow reading of English: clauses, negation ("do not delete"), topics ("an article about deleting"),
 * the passive ("must be deleted"), owners ("the user's process") and pronouns ("open the records and delete them").
 * Each method answers with the words it found, for the explanation, or `undefined`.
 */
export class Reading {
  readonly #text: Text
  readonly #words: readonly Word[]
  readonly #clauses: readonly Clause[]
  readonly #unmeant: Uint8Array

  constructor(text: string) {
    this.#text = new Text(text)
    this.#words = this.#text.words
    this.#clauses = clausesOf(this.#words)
    this.#unmeant = unmeant(this.#words, this.#clauses)
  }

  /** Some term stands anywhere, whatever is said about it. */
  mentions(terms: readonly string[]): string | undefined {
    for (const [span] of this.#occurrences(terms)) return this.#quote(span)
    return undefined
  }

  /** A first term, and directly after it a second one in a phrase without an exception. */
  mentionsBoth(
    firsts: readonly string[],
    seconds: readonly string[],
    except: readonly string[],
  ): string | undefined {
    for (const [span, clause] of this.#occurrences(firsts)) {
      const object = this.#objectIn(this.#directObjects(span.end, clause), seconds, except)
      if (object) return `${this.#quote(span)} … ${this.#quote(object)}`
    }
    return undefined
  }

  /** One of the verbs is done (not denied, not a topic), and, if objects are given, to one of them in its clause. */
  does(
    verbs: readonly string[],
    objects?: readonly string[],
    except: readonly string[] = [],
  ): string | undefined {
    for (const [span, clause] of this.#deeds(verbs)) {
      if (objects === undefined) return this.#quote(span)
      const before = this.#takesSubject(span.start, clause)
        ? phrasesOf(this.#words, clause.start, span.start)
        : []
      const phrases = [...phrasesOf(this.#words, span.end, clause.end), ...before]
      const object = this.#objectIn(phrases, objects, except)
      if (object) return `${this.#quote(span)} … ${this.#quote(object)}`
    }
    return undefined
  }

  /** Like `does`, but only for what the verb acts on directly: not "kill the process that the user started". */
  targets(
    verbs: readonly string[],
    objects: readonly string[],
    except: readonly string[],
  ): string | undefined {
    for (const [span, clause] of this.#deeds(verbs)) {
      const after = this.#isPassive(span.start, clause) ? [] : this.#acted(span, clause)
      const isStated = after.length > 0 && !/(ion|al)$/.test(this.#words[span.start]?.text ?? '')
      const hasSubject = !isStated && this.#takesSubject(span.start, clause)
      const phrases = hasSubject ? [...after, ...phrasesOf(this.#words, clause.start, span.start)] : after
      const object = this.#objectIn(phrases, objects, except, true)
      if (object) return `${this.#quote(span)} … ${this.#quote(object)}`
    }
    return undefined
  }

  /** Everything that is proposed begins with one of the verbs: no unknown deed hides behind a known one. */
  only(verbs: readonly string[]): string | undefined {
    const places = new Set<number>()
    for (const [span] of this.#occurrences(verbs)) places.add(span.start)
    let found: string | undefined
    for (const clause of this.#clauses) {
      const lead = leadOf(this.#words, clause)
      const word = this.#words[lead]
      if (clause.isContinuation || lead >= clause.end || word === undefined || PREPOSITIONS.has(word.text))
        continue
      if (!places.has(lead)) return undefined
      found ??= word.text
    }
    return found
  }

  /** Everything that is proposed is a deed known to be harmless, done to what it may be done to, and nothing else. */
  isOrdinary(habits: Habits): string | undefined {
    const lead = new OrdinaryDay(this.#text, this.#clauses, this.#unmeant, habits).holds()
    return lead === undefined ? undefined : this.#quote(lead)
  }

  /** False where much of the text is in a script these rules cannot read, or is spelt out or encoded. */
  get isReadable(): boolean {
    let [letters, foreign, run] = [0, 0, 0]
    for (const { text } of this.#words) {
      const all = text.match(/\p{L}/gu)?.length ?? 0
      const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0
      letters += all
      foreign += all - latin
      run = text.length === 1 ? run + 1 : 0
      if (text.length > 48 || run >= 12) return false
    }
    return foreign * 5 <= letters
  }

  *#occurrences(terms: readonly string[]): Generator<[Span, Clause]> {
    const list = termList(terms)
    for (const clause of this.#clauses) {
      for (const start of this.#text.startsOf(list, clause.start, clause.end)) {
        const length = list.lengthAt(this.#words, start, this.#words.length, true)
        if (length > 0) yield [{ start, end: start + length }, clause]
      }
    }
  }

  *#deeds(verbs: readonly string[]): Generator<[Span, Clause]> {
    for (const found of this.#occurrences(verbs)) {
      const at = found[0].start
      if (this.#unmeant[at] === 0 && !this.#isNoun(at, found[1])) yield found
    }
  }

  /** "the transfer", "of deleted records"; but "perform a transfer" is a deed. */
  #isNoun(index: number, clause: Clause): boolean {
    const [word, before] = [this.#words[index], this.#words[index - 1]]
    if (word === undefined || before === undefined || word.gap === 'hard' || word.gap === 'soft') return false
    if (word.text.endsWith('ed') && this.#isAdjective(index, clause)) return true
    return ARTICLES.has(before.text) && !this.#isLight(index - 1)
  }

  /** "of deleted records", "help injured people", but not "Bob deleted the records". */
  #isAdjective(participle: number, clause: Clause): boolean {
    const before = this.#words[participle - 1]?.text ?? ''
    const isAfterLead =
      leadOf(this.#words, clause) === participle - 1 && before !== 'get' && before !== 'have'
    if (!isAfterLead)
      return PREPOSITIONS.has(before) && before !== 'that' && before !== 'which' && before !== 'who'
    const next = this.#words[participle + 1]
    return next !== undefined && !DETERMINERS.has(next.text) && !PREPOSITIONS.has(next.text)
  }

  #isLight(article: number): boolean {
    for (const form of this.#words[article - 1]?.forms ?? []) if (LIGHT_VERBS.has(form)) return true
    return false
  }

  #isPassive(index: number, clause: Clause): boolean {
    const text = this.#words[index]?.text ?? ''
    if (!/(ed|en|t|n)$/.test(text)) return false
    return [index - 1, index - 2].some((at) => at >= clause.start && BE.has(this.#words[at]?.text ?? ''))
  }

  /** "the records must be deleted", "records deleted", "customer record deletion": the object stands before. */
  #takesSubject(index: number, clause: Clause): boolean {
    return this.#isPassive(index, clause) || /(ed|ing|ion|al|wipe)$/.test(this.#words[index]?.text ?? '')
  }

  /** What the deed is done to, as far as it is said after it: "execute a delete on the table". */
  #acted(span: Span, clause: Clause): Span[] {
    const isNominal = ARTICLES.has(this.#words[span.start - 1]?.text ?? '')
    return isNominal ? phrasesOf(this.#words, span.end, clause.end) : this.#directObjects(span.end, clause)
  }

  #directObjects(start: number, clause: Clause): Span[] {
    let end = start
    while (end < clause.end && !PREPOSITIONS.has(this.#words[end]?.text ?? '')) end++
    return phrasesOf(this.#words, start, end)
  }

  #objectIn(
    phrases: readonly Span[],
    objects: readonly string[],
    except: readonly string[],
    isOwnerExcluded = false,
  ): Span | undefined {
    for (const phrase of phrases) {
      if (this.#findIn(phrase, except)) continue
      const found = this.#findIn(phrase, objects, isOwnerExcluded)
      if (!this.#isPronoun(phrase)) {
        if (found) return found
        continue
      }
      const earlier = { start: Math.max(0, phrase.start - PRONOUN_REACH), end: phrase.start }
      const meant = objects[0] === ANYTHING ? undefined : this.#findMeant(earlier, objects, except)
      if (meant) return meant
      if (found && !this.#findIn(earlier, except)) return found
    }
    return undefined
  }

  /** What a pronoun stands for: an object named before it. */
  #findMeant(earlier: Span, objects: readonly string[], except: readonly string[]): Span | undefined {
    for (const phrase of phrasesOf(this.#words, earlier.start, earlier.end)) {
      const found = this.#findIn(phrase, except) ? undefined : this.#findIn(phrase, objects, true)
      if (found) return found
    }
    return undefined
  }

  #isPronoun(phrase: Span): boolean {
    const content = this.#words
      .slice(phrase.start, phrase.end)
      .filter((word) => !OPENERS.has(word.text) || PRONOUNS.has(word.text))
    return content.length > 0 && content.every((word) => PRONOUNS.has(word.text) || word.text === 'all')
  }

  #findIn(span: Span, terms: readonly string[], isOwnerExcluded = false): Span | undefined {
    if (terms[0] === ANYTHING) return span
    return findTerm(this.#text, span, terms, isOwnerExcluded)
  }

  #quote(span: Span): string {
    return this.#words
      .slice(span.start, Math.min(span.end, span.start + 6))
      .map((word) => word.text)
      .join(' ')
      .slice(0, MAXIMUM_QUOTE)
  }
}
