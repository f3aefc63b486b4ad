/**
 * Reduces text to what a reader sees, so that look-alikes, invisible characters and decorations cannot hide a
 * word from a rule. The result is for matching only; verdicts show the action as it was written.
 */

/** Letters of other scripts that a reader takes for the Latin letter before the colon. */
const LOOK_ALIKES = [
  'a:аαɑᴀӑΑАꭺ',
  'b:ВΒвЬᏏʙ',
  'c:сСϲⅽᴄᏟ',
  'd:ԁᏧɗđᴅᎠ',
  'e:еЕΕєҽɛᴇᎬεё',
  'f:ғϝꜰƒ',
  'g:ɡɢԌᏀց',
  'h:һНΗհʜᎻ',
  'i:іІΙιıɩӏɪᎥ',
  'j:јЈϳᴊᎫ',
  'k:КκΚкᴋᏦĸ',
  'l:ⅼłʟᏞ',
  'm:МΜмᴍᎷ',
  'n:Νոпɴηƞ',
  'o:оОοΟօσøᴏဝ੦',
  'p:рРρΡᴘᏢ',
  'q:ԛգ',
  'r:гʀᎡɾ',
  's:ѕЅꜱսᏚʂ',
  't:ТΤтᴛτᎢ',
  'u:υսцᴜʋ',
  'v:ѵνᴠᏙ',
  'w:ԝωшᴡᎳ',
  'x:хХΧχ',
  'y:уУΥүγʏỿ',
  'z:ᴢΖᏃʐ',
]

const LATIN_OF = new Map<string, string>(
  LOOK_ALIKES.flatMap((row) => {
    const [latin = '', foreign = ''] = row.split(':')
    return Array.from(foreign, (letter): [string, string] => [letter, latin])
  }),
)

/** Letters drawn in circles, squares and flags: blocks of 26 in alphabetical order that NFKC leaves alone. */
const LETTER_BLOCKS = [0x1f150, 0x1f170, 0x1f1e6]

/** They turn the direction of writing; what they part looks like two words. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu
const MARKS = /\p{M}/gu
const ONLY_ASCII = /^[\t\n\r -~]*$/

function latinOf(character: string): string {
  const known = LATIN_OF.get(character)
  if (known !== undefined) return known
  const point = character.codePointAt(0) ?? 0
  const block = LETTER_BLOCKS.find((first) => point >= first && point < first + 26)
  return block === undefined ? character : String.fromCharCode(97 + point - block)
}

/** The text with invisible characters gone and look-alike letters made plain Latin; the case stays. */
export function fold(text: string): string {
  if (ONLY_ASCII.test(text)) return text
  const seen = text
    .replace(TURNING, ' ')
    .replace(UNSEEN, '')
    .normalize('NFKC')
    .replace(/[‘’ʼ`´]/g, "'")
    .replace(/[“”„«»]/g, '"')
  return Array.from(seen.normalize('NFKD').replace(MARKS, ''), latinOf).join('')
}
