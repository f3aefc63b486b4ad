import { Likeness } from './likeness.js'
import type { CallEntry, Entry } from './session-entry.js'
import { numbersIn, type StandingText, standingText, standsIn } from './standing.js'

/** Texts that were made ready to be compared with. */
interface Prepared {
  standing?: StandingText
  likeness?: Likeness
}

/** The texts of entries as values are looked for in them: each is made ready once, when it is first needed. */
export class EntryTexts {
  #prepared = new WeakMap<Entry, Prepared>()

  /** True where it stands there as a whole. */
  standsIn(entry: Exclude<Entry, CallEntry>, value: string | number): boolean {
    if (typeof value === 'number') return numbersIn(entry.text).has(value)
    return standsIn(this.#standing(entry), value)
  }

  /** True where it stands there in whatever form. */
  isLikelyIn(entry: Entry, value: string): boolean {
    if (standsIn(this.#standing(entry), value)) return true
    const prepared = this.#of(entry)
    prepared.likeness ??= new Likeness(entry.text ?? '')
    return prepared.likeness.has(value)
  }

  /** For an entry whose text has changed. */
  forget(entry: Entry): void {
    this.#prepared.delete(entry)
  }

  /** Gives up what was made ready; that is made again when it is needed. */
  rest(): void {
    this.#prepared = new WeakMap()
  }

  #standing(entry: Entry): StandingText {
    const prepared = this.#of(entry)
    prepared.standing ??= standingText(entry.text ?? '')
    return prepared.standing
  }

  #of(entry: Entry): Prepared {
    const prepared = this.#prepared.get(entry) ?? {}
    this.#prepared.set(entry, prepared)
    return prepared
  }
}
