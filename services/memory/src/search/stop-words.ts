/**
 * Words that say how a sentence is built and not what it is about: articles, pronouns, prepositions, conjunctions,
 * auxiliary and question words. Nearly every text of a language has them, so they tell nothing apart.
 */
const LISTS: Readonly<Record<string, string>> = {
  en: `a an the this that these those such i me my mine myself we us our ours ourselves you your yours yourself he him
    his himself she her hers herself it its itself they them their theirs themselves who whom whose which what when
    where why how am is are was were be been being do does did done doing have has had having can could will would
    shall should might must and or but nor if then than so as because while although though of in on at by for with
    from to into onto about over under between through during before after above below up down out off not no yes
    there here again also just only very too any some each both all ca wo ain`,
  de: `der die das den dem des ein eine einen einem einer eines dieser diese dieses diesen diesem ich du er sie es wir
    ihr mich mir dich dir ihn ihm uns euch ihnen mein dein sein unser euer meine deine seine unsere wer was wann wo
    warum wie welche welcher welches bin bist ist sind war waren sein gewesen habe hast hat haben hatte hatten wird
    werden wurde wurden kann konnte soll sollte muss und oder aber wenn dann als weil dass ob so auch nur noch sehr
    nicht kein keine ja nein in im an am auf aus bei mit nach von vom zu zum zur fur uber unter vor durch um`,
  fr: `le la les l un une des du de d ce cet cette ces je j tu il elle on nous vous ils elles me m te t se s moi toi lui
    leur mon ton son ma ta sa mes tes ses notre votre nos vos leurs qui que qu quoi quand ou comment pourquoi quel
    quelle quels quelles suis es est sommes etes sont etait etaient ete etre ai as a avons avez ont avait avaient avoir
    et mais donc or ni car si comme dans en sur sous avec sans pour par au aux chez vers ne pas non oui y plus tres`,
  es: `el la los las lo un una unos unas de del este esta esto estos estas ese esa eso yo tu el ella nosotros vosotros
    ellos ellas me te se nos os le les mi su mis tus sus nuestro nuestra quien que cuando donde como cual cuales soy
    eres es somos son era eran fue fueron ser estar estoy estas esta estan estaba he has ha hemos han habia haber y o
    pero si porque aunque a al en con sin por para sobre entre hasta desde no muy mas tambien ya`,
}

const STOP_WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(LISTS).map(([language, words]) => [language, new Set(words.split(/\s+/))]),
)
/** English words of this kind, which a text of any language is measured without. */
export const STOP_WORDS_OF_ENGLISH: ReadonlySet<string> = STOP_WORDS.get('en') ?? new Set()

/**
 * The words that can tell one text from another; all of them where none can, so that `to be or not to be` is found.
 * Which language it is follows from its own words of this kind: that of which it has most, English where that is open.
 */
export function tellingWords(words: readonly string[]): readonly string[] {
  let stops = STOP_WORDS_OF_ENGLISH
  // One alone proves nothing: 'die' and 'las' are words of English, and names.
  let most = Math.max(1, words.filter((word) => STOP_WORDS_OF_ENGLISH.has(word)).length)
  for (const list of STOP_WORDS.values()) {
    const count = words.filter((word) => list.has(word)).length
    if (count > most) [stops, most] = [list, count]
  }
  const telling = words.filter((word) => !stops.has(word))
  return telling.length > 0 ? telling : words
}
