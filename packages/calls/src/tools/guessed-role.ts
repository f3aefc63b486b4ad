import type { Role } from '../model/call.js'
import { wordsIn } from './name-words.js'

/** Any of the words, wherever they stand in a name. */
function any(words: string): RegExp {
  return new RegExp(`(?:^|_)(?:${words})(?:_|$)`)
}

/** The word that a name ends with is what it names: a `file_content` is no file. */
function last(words: string): RegExp {
  return new RegExp(`(?:^|_)(?:${words})$`)
}

/** Where a call's commands run. */
const FOLDER = /^(?:cwd|workdir|(?:current_?)?working_?(?:dir|directory)|current_?directory)$/
const IDENTIFIER = last('ids?|uids?|uuids?|guids?|sha|slug|cursor')
/** What somebody says of a thing, and not the thing. */
const ASPECT = last(
  'type|types|kind|mode|status|state|format|headers?|lines?|column|columns|offset|count|size|depth|length|width|height|encoding|version|order|sort|position|duration|timeout|days|hours|minutes|seconds|at|date|time|enabled|timestamp|mime|extension|extensions',
)
const RECIPIENT =
  /(?:^|_)(?:cc|bcc|recipients?|emails?|mailto|receiver|payee|beneficiary|participants?|attendees?|invitees?|guests?|assignees?|assigned_to|reviewers?|iban|account|channel|phone|members?|username|collaborators?)(?:_|$)|(?:^|_(?:send|mail|deliver|forward|reply)_)to$|^to$|^(?:to|send_to|reply_to)_(?:emails?|address(?:es)?|users?|number|phone|account|recipients?|names?)$|^(?:send|mail|deliver|forward|reply)_to$/

/** The first that fits. */
const ROLES: readonly (readonly [Role, RegExp])[] = [
  ['command', any('commands?|cmd|shell|script|bash')],
  [
    'code',
    /^(?!filter_|search_|sort_)(?:.*_)?(?:snippet|program|expression|formula|javascript|python|source_code|code_block)(?:_|$)/,
  ],
  ['code', /^(?:code|(?:js|ts|typescript|test|program|setup|inline)_code)$/],
  ['sql', any('sql|statement')],
  [
    'secret',
    any('passwords?|passwd|pwd|secrets?|credentials?|pin|otp|passphrase|apikey|connection_string|dsn'),
  ],
  [
    'secret',
    /(?:^|_)(?:api|access|private|signing|encryption|auth|ssh|license|master|service|account|bot)_keys?$/,
  ],
  ['identifier', /(?:^|_)(?:page|next|previous|continuation|continue|sync|delta|max|min|total)_tokens?$/],
  ['secret', any('token')],
  ['query', /^(?:search|query|filter)_(?:text|body|string|content)$/],
  [
    'text',
    last(
      'contents?|body|text|message|title|subject|description|comments?|summary|notes?|caption|html|markdown|instructions?|reason|details|label|labels',
    ),
  ],
  [
    'path',
    any(
      'paths?|files?|filenames?|filepaths?|pathname|dir|dirs|directory|directories|folders?|attachments?|cwd|workdir',
    ),
  ],
  ['url', any('urls?|uris?|links?|href|endpoint|webhooks?|website|permalink')],
  ['recipient', RECIPIENT],
  ['amount', any('amount|price|cost|total|sum|fee|payment|value_usd|budget|limit_amount|quantity_usd')],
  ['identifier', any('id|ids|uuid|identifier|number|index|page|limit|offset|count')],
  ['query', any('query|q|keywords?|search|filters?|pattern|terms?|jql|cql|promql|logql|kql|regex|glob')],
]

/**
 * What an argument is, by the words of its name; undefined where none tells, and null where they tell that it is
 * something said of another: the type of an attachment is no file.
 */
export function guessedRole(name: string): Role | null | undefined {
  const known = guessed.get(name)
  if (known !== undefined || guessed.has(name)) return known
  const role = roleOf(wordsIn(name).join('_'))
  if (name.length > LONGEST_REMEMBERED) return role
  if (guessed.size >= MAXIMUM_REMEMBERED) guessed.clear()
  guessed.set(name, role)
  return role
}

/** The same few names come again and again. */
const guessed = new Map<string, Role | null | undefined>()
const MAXIMUM_REMEMBERED = 1_000
const LONGEST_REMEMBERED = 100

function roleOf(name: string): Role | null | undefined {
  if (FOLDER.test(name)) return 'directory'
  // Whoever is meant by an identifier is still whom it is for.
  if (IDENTIFIER.test(name)) return RECIPIENT.test(name) ? 'recipient' : 'identifier'
  if (ASPECT.test(name)) return null
  return ROLES.find(([, pattern]) => pattern.test(name))?.[0]
}
