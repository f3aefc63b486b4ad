/** English inflection, just enough that a rule may say `delete` and mean deletes, deleted and deleting. */

// biome-ignore format: a table reads better in rows.
const IRREGULAR = new Map(Object.entries({
  sent: 'send', stole: 'steal', stolen: 'steal', wrote: 'write', written: 'write', overwrote: 'overwrite',
  overwritten: 'overwrite', hid: 'hide', hidden: 'hide', shot: 'shoot', beaten: 'beat', broke: 'break',
  broken: 'break', gave: 'give', given: 'give', took: 'take', taken: 'take', sold: 'sell', bought: 'buy',
  paid: 'pay', spent: 'spend', lent: 'lend', told: 'tell', made: 'make', built: 'build', forgot: 'forget',
  lying: 'lie', lied: 'lie', misled: 'mislead', deceit: 'deceive', forged: 'forge', kept: 'keep', left: 'leave',
  read: 'read', ran: 'run', did: 'do', done: 'do', does: 'do', was: 'be', were: 'be', is: 'be', are: 'be',
  been: 'be', being: 'be', am: 'be', had: 'have', has: 'have', got: 'get', gotten: 'get', went: 'go', gone: 'go',
  goes: 'go', taught: 'teach', thought: 'think', found: 'find', held: 'hold', struck: 'strike', drove: 'drive',
  driven: 'drive', withdrew: 'withdraw', withdrawn: 'withdraw', men: 'man', women: 'woman', children: 'child',
  people: 'person', wives: 'wife', lives: 'life', leaked: 'leak', dying: 'die', began: 'begin',
  understood: 'understand', sang: 'sing', drew: 'draw', drawn: 'draw', showed: 'show', shown: 'show',
  spoke: 'speak', spoken: 'speak', met: 'meet', brought: 'bring', sought: 'seek', fed: 'feed', bled: 'bleed',
}))

const VOWELS = /[aeiouy]/

/** British and American spelling made one, so that summarise is summarize and behaviour is behavior. */
function unifySpelling(word: string): string {
  if (word.length < 6) return word
  return word
    .replace(/is(e|ation|er)$/, 'iz$1')
    .replace(/yse$/, 'yze')
    .replace(/our$/, 'or')
}

/** A stem that lost its ending may have had an e, or a doubled consonant. */
function addStem(forms: Set<string>, stem: string): void {
  if (stem.length < 2 || !VOWELS.test(stem)) return
  forms.add(stem)
  forms.add(unifySpelling(`${stem}e`))
  if (stem.length > 3 && stem.at(-1) === stem.at(-2)) forms.add(stem.slice(0, -1))
}

/** Every dictionary form that a word as written may be an inflection of, itself included. */
export function formsOf(written: string): Set<string> {
  const word = written.replace(/'s?$/, '')
  const forms = new Set<string>([unifySpelling(word)])
  const irregular = IRREGULAR.get(word)
  if (irregular !== undefined) forms.add(irregular)
  if (word.length < 4) return forms
  if (word.endsWith('ies') || word.endsWith('ied')) forms.add(`${word.slice(0, -3)}y`)
  if (word.endsWith('s') && !word.endsWith('ss')) forms.add(unifySpelling(word.slice(0, -1)))
  if (/(s|x|z|ch|sh|o)es$/.test(word)) forms.add(word.slice(0, -2))
  if (word.endsWith('ed')) addStem(forms, word.slice(0, -2))
  if (word.endsWith('ing')) addStem(forms, word.slice(0, -3))
  return forms
}

/** The form under which a rule's word is looked up; a rule writes dictionary forms. */
export function lookupForm(word: string): string {
  return unifySpelling(word.toLowerCase())
}
