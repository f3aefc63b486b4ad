/**
 * English words that say how a sentence is built and not what it is about: articles, pronouns, prepositions,
 * conjunctions, auxiliary and question words. Nearly every text has them, so matching them costs most of a search
 * and tells nothing apart.
 */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a an the this that these those such
  i me my we our ours you your yours he him his she her hers it its they them their theirs
  who whom whose which what when where why how
  am is are was were be been being do does did done have has had having can could will would shall should
  and or but nor if then than so as because while although though
  of in on at by for with from to into onto about over under between through during before after above below up down out off
  not no yes there here again also just only very too any some each both all`.split(/\s+/),
)

/** The words that can tell one text from another; all of them where none can, so that `to be or not to be` is found. */
export function tellingWords(words: readonly string[]): readonly string[] {
  const telling = words.filter((word) => !STOP_WORDS.has(word.toLowerCase()))
  return telling.length === 0 ? words : telling
}
