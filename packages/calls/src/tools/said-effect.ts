import type { Effect } from '../model/call.js'
import { guessedEffect } from './guessed-tool.js'
import { wordsIn } from './name-words.js'

/** Arguments that say which of the things it can do a tool is to do. */
const CHOICE =
  /^(?:(?:action|operation|op|request|query|statement)_(?:type|kind|name)|action|actions|method|operation|operations|op|verb|subcommand|mode|http_method|request_method|args|argv)$/
const LONGEST_CHOICE = 60
/** Modes in which a file is opened to be changed. */
const OPENS = /^(?:[wax][bt]?\+?|r[bt]?\+)[bt]?$/
const MUTATION = /(?:^|\})[\s,]*(?:#[^\n\r]*[\n\r][\s,]*)*mutation\b/
const CYPHER = /^\s*(?:(?:optional\s+)?match|create|merge|unwind|foreach)\b[^(]{0,200}\(/i
const CYPHER_CHANGES = /\b(?:create|merge|set|delete|remove|foreach)\b/i
const SPARQL_CHANGES =
  /\b(?:insert|delete)(?:\s+(?:data|where))?\s*\{|^\s*(?:clear|drop|load)\s+(?:silent\s+)?(?:graph\b|default\b|named\b|all\b|<)/i
/** Names of arguments that say where something is put. */
const OUTPUT =
  /^(?:out|output|save|dest|destination|export|write|download|target)(?:_|$)|_(?:out|output|dest|destination)$/

export function isOutput(name: string): boolean {
  return OUTPUT.test(wordsIn(name).join('_'))
}

/** Words of names whose value is no more than yes. */
const FLAGS: readonly (readonly [Effect, RegExp])[] = [
  ['pay', /^(?:pay|purchase|buy|checkout)$/],
  ['delete', /^(?:delete|remove|destroy|drop|purge|erase|wipe|reset|truncate|overwrite|trash|prune|clear)$/],
  ['execute', /^(?:execute|exec|deploy|trigger|run)$/],
  [
    'send',
    /^(?:send|publish|notify|broadcast|submit|upload|write|save|create|update|insert|apply|commit|persist)$/,
  ],
]
const BEFORE_VERB = /^(?:force|auto|also|then|and|do|should)$/
const BEHIND_VERB =
  /^(?:after|afterwards|before|source|original|file|files|all|it|them|message|messages|email|old|existing|remote)$/

/** What `delete: true` says, and `delete_after: true`; `remove_duplicates: true` says nothing. */
export function flagEffect(name: string): Effect | undefined {
  const words = wordsIn(name)
  const [verb, next] = BEFORE_VERB.test(words[0] ?? '') ? words.slice(1) : words
  if (verb === undefined || (next !== undefined && !BEHIND_VERB.test(next))) return undefined
  return FLAGS.find(([, verbs]) => verbs.test(verb))?.[0]
}

/** What an argument says that a tool does which nobody knows: `action: 'delete'`, a mutation of GraphQL. */
export function saidEffect(name: string, text: string): Effect | undefined {
  if (MUTATION.test(text) || SPARQL_CHANGES.test(text)) return 'send'
  if (CYPHER.test(text) && CYPHER_CHANGES.test(text)) return 'send'
  if (text.length > LONGEST_CHOICE || !CHOICE.test(wordsIn(name).join('_'))) return undefined
  if (OPENS.test(text)) return 'send'
  const effect = guessedEffect(text)
  // Where it writes is not known either.
  return effect === 'write' ? 'send' : effect
}
