import type { Effect } from '../model/call.js'
import { wordsIn } from './name-words.js'
import { namePartsOf, type Tool } from './tool.js'

/** Words by which the names of tools say what they do. */
interface Action {
  readonly effect: Effect
  /** Count wherever they stand: `get_and_delete` deletes. */
  readonly verbs: ReadonlySet<string>
  /** Count unless a word for reading stands before: `close_issue` closes, `list_open_issues` opens nothing. */
  readonly either: ReadonlySet<string>
  /** Count unless a word for reading stands in the name: `post_message` tells, `get_post` and `message_search` do not. */
  readonly nouns: ReadonlySet<string>
}

function action(effect: Effect, verbs: string, either: string, nouns: string): Action {
  const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))
  return { effect, verbs: words(verbs), either: words(either), nouns: words(nouns) }
}

/** The gravest first: `send_and_delete` is told by the first that stands in it. */
const ACTIONS: readonly Action[] = [
  action(
    'pay',
    'pay purchase buy withdraw donate remit payout',
    'refund sell wire checkout renew',
    'payment payments transfer transfers deposit charge trade bid stake invoice',
  ),
  action(
    'delete',
    'delete remove destroy drop purge erase wipe clear reset cancel terminate uninstall revoke deactivate disable unlink truncate kill abort discard trash prune undeploy unpublish unassign detach revert rollback overwrite rm rmdir unmount',
    'stop shutdown close archive dismiss reject decline expire unsubscribe leave evict block ban suspend pause flush reboot halt poweroff pop',
    '',
  ),
  action(
    'execute',
    'execute exec invoke spawn launch deploy trigger dispatch redeploy',
    'eval evaluate interact restart rerun retry resume promote scale rollout provision',
    'run runs call shell bash command script code terminal sudo compile build test start automation',
  ),
  action(
    'admin',
    'grant chmod chown configure authorize protect unprotect impersonate password passwords credential credentials secret secrets',
    'install enable unlock lock rotate allow approve elevate',
    'admin permission permissions role roles user users account config settings setting policy firewall token key keys',
  ),
  action(
    'send',
    'send publish notify tweet upload submit broadcast',
    'share invite reply forward announce react subscribe follow emit enqueue ship',
    'post email mail message comment dm sms text report contact webhook alert fax vote',
  ),
  action(
    'write',
    'create write modify edit insert save rename upsert append duplicate reorder regenerate',
    'add update set change move put store make schedule reschedule reserve assign mark toggle copy import register open turn adjust apply patch replace draft merge clone fork sync attach link push commit tag label click type fill press drag tap swipe select restore migrate transform annotate complete finish begin increment rebase unset repair recreate rebuild reinstall setup claim accept give join resolve unresolve reopen activate upgrade downgrade initialize init bootstrap sign ack mint',
    'order book release',
  ),
]
/** Words for what others have written, wherever they stand, and for going there. */
const WEB: ReadonlySet<string> = new Set(
  'web webpage webpages website internet http https url urls'.split(' '),
)
const GOES: ReadonlySet<string> = new Set('browse navigate crawl scrape visit'.split(' '))
const READS: ReadonlySet<string> = new Set(
  'get list read search find describe show lookup view retrieve look inspect analyze analyse summarize summarise calculate compute preview explain fetch download query count check compare convert validate verify monitor track translate diff grep ls cat tail whoami ping discover explore scan detect estimate suggest recommend lint'.split(
    ' ',
  ),
)
const READ_NOUNS: ReadonlySet<string> = new Set(
  'status info information history log logs balance details detail stats statistics metrics summary overview help docs documentation schema version'.split(
    ' ',
  ),
)

/**
 * What an unknown tool does, by the words of its name; empty where none tells. What its server is called says nothing
 * of it: a server for search may post messages.
 */
export function guessedTool(name: string): Tool {
  const { own, isOfServer } = namePartsOf(name)
  const last = actingEffect(wordsIn(own.at(-1) ?? ''))
  const effect = last ?? guessedEffect(isOfServer ? own.join('_') : name)
  return { effects: effect === undefined ? [] : [effect], roles: {}, isUntrusted: true }
}

/** The gravest effect that the words of a name, or of what says what is to be done, tell of. */
export function guessedEffect(name: string): Effect | undefined {
  const words = wordsIn(name)
  const acts = actingEffect(words)
  if (acts !== undefined) return acts
  const clauses = clausesOf(words)
  if (words.some((word) => WEB.has(word)) || clauses.some(goesOut)) return 'outward-read'
  return words.some((word) => READS.has(word) || READ_NOUNS.has(word)) ? 'read' : undefined
}

/** The gravest that is more than reading. */
function actingEffect(words: readonly string[]): Effect | undefined {
  const clauses = clausesOf(words)
  const found = ACTIONS.find((action) => clauses.some((clause) => tells(clause, action)))?.effect
  return found ?? joinedEffect(words)
}

/** `search`, `replace` of `search_and_replace`. */
function clausesOf(words: readonly string[]): string[][] {
  const clauses: string[][] = [[]]
  for (const word of words) {
    if (/^(?:and|or|then)$/.test(word)) clauses.push([])
    else clauses.at(-1)?.push(word)
  }
  return clauses
}

function tells(words: readonly string[], { verbs, either, nouns }: Action): boolean {
  const reading = words.findIndex((word) => READS.has(word))
  const counts = (word: string, i: number): boolean =>
    verbs.has(word) || (either.has(word) && (reading < 0 || i < reading)) || (nouns.has(word) && reading < 0)
  return words.some(counts)
}

function goesOut(words: readonly string[]): boolean {
  const reading = words.findIndex((word) => READS.has(word))
  return words.some((word, i) => GOES.has(word) && (reading < 0 || i < reading))
}

/** A verb that is written together with what follows: `sendmail`. */
function joinedEffect(words: readonly string[]): Effect | undefined {
  const [word = '', other] = words
  if (other !== undefined) return undefined
  const begins = (verb: string): boolean => verb.length >= SHORTEST_JOINED && word.startsWith(verb)
  return ACTIONS.find(({ verbs }) => [...verbs].some(begins))?.effect
}
const SHORTEST_JOINED = 4
