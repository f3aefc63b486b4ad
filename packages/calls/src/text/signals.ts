import { fold } from './folding.js'

/** Words of harm in a text: a hint for whoever is asked, and no proof of anything. */
export interface SignalFact {
  readonly name: string
  /** The words, as they are read. */
  readonly words: string
}

const HIM = '(?:him|her|them|me|you|my\\w*|your\\w*|his|their|the|a|an|every\\w*|some\\w*|all|people)'
const MAKE = '(?:build|make|making|buy|get|assemble|print|mix|cook|synthesi[sz]e|produce|sell)'
const SIGNALS: readonly (readonly [name: string, pattern: string])[] = [
  [
    'violence',
    `(?:murder|strangle|assassinate|behead|torture|kidnap|massacre|lynch|rape)\\w*|(?:kill|stab|poison|shoot|drown|attack|beat up|hurt|harm|threaten\\w*|blackmail\\w*|stalk\\w*|bully\\w*) ${HIM}(?! (?:process|server|job|task|session|light|container|script|program|command|tab|window|app)\\w*)`,
  ],
  [
    'weapons',
    `${MAKE}\\b.{0,40}\\b(?:bombs?|explosives?|guns?|rifles?|pistols?|firearms?|silencers?|grenades?|nerve agents?|ricin|sarin|anthrax|molotov\\w*)`,
  ],
  ['drugs', `${MAKE}\\b.{0,30}\\b(?:meth|methamphetamine|heroin|cocaine|fentanyl|crack|mdma|lsd)`],
  ['self-harm', 'suicide|kill (?:my|your)self|self[- ]harm|end my life|overdose'],
  [
    'malware',
    'ransomware|keyloggers?|malware|botnets?|rootkits?|spyware|phishing|ddos|backdoors?|credential stuffing|hack into',
  ],
  [
    'fraud',
    'launder\\w* (?:the )?money|money laundering|counterfeit\\w*|forge\\w* (?:a|the|my|his|her|their)|fake (?:reviews?|invoices?|passports?|ids?|receipts?|prescriptions?)|embezzl\\w*|bribe\\w*|impersonat\\w*|evade tax\\w*',
  ],
  [
    'disclosure',
    '(?:send|share|post|publish|upload|leak|forward|show|tell|email|exfiltrate)\\b.{0,60}\\b(?:passwords?|passphrases?|private keys?|api keys?|access tokens?|credentials|social security|card numbers?|security codes?|pin codes?)',
  ],
  [
    'instructions',
    '(?:ignore|disregard|forget|override)\\b.{0,30}\\b(?:previous|prior|above|earlier|all|system|your)\\b.{0,20}\\b(?:instructions?|prompts?|rules?|guidelines?|orders?)|do not tell the user|without (?:telling|asking|informing) the user',
  ],
]
const BY_NAME = SIGNALS.map(([name, source]) => [name, new RegExp(`\\b(?:${source})\\b`, 'i')] as const)
const LONGEST_SHOWN = 80
/** Where it is longer, its words are looked for in its first part alone. */
const MAXIMUM_CHARACTERS = 100_000

/** Those that stand in a text, each once. */
export function signalsIn(text: string): SignalFact[] {
  const seen = fold(text.slice(0, MAXIMUM_CHARACTERS))
  return BY_NAME.flatMap(([name, pattern]) => {
    const words = pattern.exec(seen)?.[0]
    return words === undefined ? [] : [{ name, words: words.slice(0, LONGEST_SHOWN) }]
  })
}
