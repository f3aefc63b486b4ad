/** The closed word classes of English that reading an action needs. */

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/))
}

/** After one of these a word is a noun: "the transfer". "her" and "this" are left out: "let her delete", "do this". */
export const ARTICLES = words('a an the my your our their its his each any no every')

export const DETERMINERS = words(
  'a an the my your our their its his her each any no every all both this that these those some several many ' +
    'me you him us them it everything everyone everybody someone anyone myself yourself',
)

/** These end the object of a verb. "of" does not: "half of the records". */
export const PREPOSITIONS = words(
  'to from for on in into onto at with within without through via under over against between among about during ' +
    'towards toward upon regarding concerning inside outside across behind beyond per as like near since than ' +
    'so using that which who whom whose where when',
)

/** These begin another thought, so that what was said before no longer governs what follows. */
export const BREAKS = words(
  'then while before after because but unless until once plus also afterwards thereby',
)

export const COORDINATORS = words('and or nor')

export const BE = words('be is are was were been being get gets got am')

/** What may stand before the verb that an action is about. */
export const OPENERS = words(
  'please kindly can could would will shall should must may might i we you he she they it let lets us me to want ' +
    'wants need needs like likes try tries going go proceed start begin now then first second third next finally ' +
    'last also just and or so ok okay hey hi hello the a an this our my your agent assistant system bot ai model ' +
    'program service user tool function is are am be been was were have has had do does did about ' +
    'intend intends propose proposes mind ahead immediately by when if step task action todo automatically ' +
    "i'll i'm we'll let's i'd we'd you'll it's",
)

/** With "to" after them they stand for the verb that follows: "prepare to delete". */
export const CONTROL_VERBS = words(
  'plan prepare start begin continue decide attempt agree manage proceed schedule try go want need intend propose',
)

/** "stop him from hurting himself": what is kept from happening is not done. */
export const PREVENTERS = words('stop prevent keep discourage block protect save dissuade hinder')

/** A verb right after one of these is denied, not done. */
export const NEGATORS = words(
  "not never don't doesn't didn't won't can't cannot wouldn't shouldn't without avoid refrain refuse decline prevent " +
    'prohibit forbid disallow block dont wont cant',
)

/** These may stand between a negator and its verb: "refuse to ever delete". */
export const NEGATION_FILLERS = words('to ever be the from actually any anyone somebody someone users people')

/** A noun after these and an article is a deed all the same: "perform a delete". */
export const LIGHT_VERBS = words(
  'perform do execute make run carry out initiate start trigger schedule issue order request launch commit force begin',
)

/** Words that end a two-word verb and may stand apart from it: "turn the audit log off". */
export const PARTICLES = words('off out down up away over back on aside apart')

/** What one does with a topic rather than to it: "summarise the report about deleting records". */
export const TELLING = words(
  'summarize explain describe answer read research translate discuss review teach tell look search find study learn ' +
    'write draft compose report list define compare analyze outline quote cite recommend watch calculate count ' +
    'estimate check show document paraphrase proofread brainstorm clarify understand recall ask spell what which',
)

export const TOPIC_MARKERS = words(
  'about regarding concerning how why whether titled called word term phrase meaning',
)

/** "on" and "of" introduce a topic only after one of these: "an article on deleting data". */
export const WRITINGS = words(
  'article report book paper essay guide documentation tutorial question advice page post story novel poem lecture ' +
    'talk course history chapter summary overview review definition news law film movie podcast',
)

export const TOPIC_PREPOSITIONS = words('on of')

export const FICTION = words(
  'story novel poem fiction fictional screenplay tale fable character thriller comic song limerick',
)
export const RELATIVES = words('who where which that whose when')

export const QUESTION_WORDS = words('what when where who which whose why how')

/** A question that is a suggestion: "why not delete it", "how about deleting it". */
export const SUGGESTIONS = words("about not don't dont if")

export const PRONOUNS = words('it them these those everything this that')

/** What follows says when or why, and orders nothing. */
export const CIRCUMSTANCES = words('while before after because until once unless')

/** With these a clause only makes sure of something: "make sure the records are not deleted". */
export const ENSURERS = words('ensure sure certain')

/** A topic that begins with these is a manual, not news: "explain how to ...". */
export const INSTRUCTIVE = words('how way ways step steps instructions guide tutorial method where')
/** ... and goes on with one of these. */
export const DOING = words('to do can could should i we one someone somebody')

/** Small words that never join with a neighbour to hide a longer one: "be at", "form at". */
export const UNJOINABLE = words(
  'a i an the at to be in is on it me no so us do of or we he if by as up go my am and for not but you her his are was ' +
    'out off all any one two new old can may let get set run use add ask how who why day way end own too per day she ' +
    'has had now our its put see say with from that this into over',
)
