import type { Effect } from '../model/call.js'
import { guessedEffect } from './guessed-tool.js'
import { wordsIn } from './name-words.js'

/** Arguments that say which of the things it can do a tool is to do. */
const CHOICE =
  /^(?:action|actions|method|operation|operations|op|verb|subcommand|mode|http_method|request_method)$/
const LONGEST_CHOICE = 60
const MUTATION = /^\s*(?:#[^\n]*\n\s*)*mutation\b/

/** What an argument says that a tool does which nobody knows: `action: 'delete'`, a mutation of GraphQL. */
export function saidEffect(name: string, text: string): Effect | undefined {
  if (MUTATION.test(text)) return 'send'
  if (text.length > LONGEST_CHOICE || !CHOICE.test(wordsIn(name).join('_'))) return undefined
  const effect = guessedEffect(text)
  // Where it writes is not known either.
  return effect === 'write' ? 'send' : effect
}
