/**
 * English verbs and nouns with those of their forms that no rule cuts to the same stem. A question asks “when did she
 * buy it”, and a text tells that she bought it. Left out is what is more often another word: `rose`, `wound`, `bore`,
 * `ground`, `lay`, `bit`, `dove`, `led`, `lives`, `leaves`.
 */
const FORMS = `
arise arose arisen, awake awoke awoken, beat beaten, become became, begin began begun, bend bent, bite bitten,
bleed bled, blow blew blown, break broke broken, breed bred, bring brought, build built, burn burnt, buy bought,
catch caught, choose chose chosen, cling clung, come came, creep crept, deal dealt, dig dug, draw drew drawn,
dream dreamt, drink drank drunk, drive drove driven, eat ate eaten, fall fell fallen, feed fed, feel felt, fight fought,
find found, flee fled, fling flung, fly flew flown, forbid forbade forbidden, forget forgot forgotten,
forgive forgave forgiven, freeze froze frozen, get got gotten, give gave given, go goes went gone, grow grew grown, hang hung,
hear heard, hide hid hidden, hold held, keep kept, kneel knelt, know knew known, lean leant, leap leapt,
learn learnt, leave left, lend lent, light lit, lose lost, make made, mean meant, meet met, mistake mistook mistaken,
overcome overcame, pay paid, prove proven, ride rode ridden, ring rang rung, rise risen, run ran, say said,
see saw seen, seek sought, sell sold, send sent, sew sewn, shake shook shaken, shine shone, shoot shot, show shown,
shrink shrank shrunk, sing sang sung, sink sank sunk, sit sat, slay slew slain, sleep slept, slide slid,
speak spoke spoken, speed sped, spend spent, spill spilt, spin spun, spit spat, spoil spoilt, spring sprang sprung,
stand stood, steal stole stolen, stick stuck, sting stung, stink stank stunk, strike struck stricken,
strive strove striven, swear swore sworn, sweep swept, swell swollen, swim swam swum, swing swung, take took taken,
teach taught, tear tore torn, tell told, think thought, throw threw thrown, understand understood,
undertake undertook undertaken, wake woke woken, wear wore worn, weave wove woven, weep wept, win won,
withdraw withdrew withdrawn, write wrote written,
child children, foot feet, goose geese, man men, mouse mice, tooth teeth, woman women, wife wives, knife knives,
shelf shelves, wolf wolves, thief thieves, half halves, calf calves, scarf scarves`

/** What each of these forms is a form of. */
export const IRREGULAR_FORMS: ReadonlyMap<string, string> = new Map(
  FORMS.split(',').flatMap((line) => {
    const [base = '', ...forms] = line.trim().split(' ')
    return forms.map((form) => [form, base] as const)
  }),
)
