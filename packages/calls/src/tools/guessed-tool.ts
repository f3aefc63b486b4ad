import type { Effect, Role } from '../model/call.js'
import type { Tool } from './tool.js'

/** By words of a name, the gravest first: `send_and_delete` is told by the first that stands in it. */
const EFFECTS: readonly (readonly [Effect, RegExp])[] = [
  [
    'pay',
    /^(?:pay|payment|payments|transfer|withdraw|deposit|purchase|buy|checkout|refund|charge|invoice|donate|trade|sell|bid|stake|wire|remit|payout)$/,
  ],
  [
    'delete',
    /^(?:delete|remove|destroy|drop|purge|erase|wipe|clear|cancel|terminate|uninstall|revoke|deactivate|disable|unlink|reset|truncate|archive|kill|stop|shutdown|close)$/,
  ],
  [
    'execute',
    /^(?:run|execute|exec|eval|shell|bash|command|script|spawn|invoke|launch|deploy|compile|code|terminal|sudo)$/,
  ],
  [
    'admin',
    /^(?:admin|grant|permission|permissions|password|credential|credentials|role|user|account|configure|config|settings|policy|firewall|unlock|lock|install|authorize|token|secret|key)$/,
  ],
  [
    'send',
    /^(?:send|post|publish|share|invite|email|mail|message|notify|reply|forward|tweet|call|upload|submit|broadcast|comment|dm|sms|text|announce|report|contact)$/,
  ],
  [
    'write',
    /^(?:create|add|write|update|set|edit|modify|change|rename|move|append|insert|save|put|store|make|schedule|reschedule|book|reserve|assign|mark|toggle|merge|copy|import|register|start|open|turn|adjust|order|apply|patch|upsert|replace|generate|draft)$/,
  ],
  ['outward-read', /^(?:fetch|browse|navigate|download|web|url|http|crawl|scrape|visit)$/],
  [
    'read',
    /^(?:get|list|read|search|find|query|describe|show|count|check|lookup|view|retrieve|look|inspect|analyze|analyse|summarize|summarise|calculate|compute|convert|compare|status|info|history|balance|preview|validate|verify|monitor|track|translate|explain)$/,
  ],
]
const ROLES: readonly (readonly [Role, RegExp])[] = [
  ['command', /^(?:command|commands|cmd|shell|script|bash)$/],
  ['code', /^(?:code|snippet|program|expression|formula|javascript|python)$/],
  ['sql', /^(?:sql|statement)$/],
  ['secret', /^(?:password|passwd|pwd|secret|token|key|credential|credentials|pin|otp|passphrase)$/],
  [
    'path',
    /^(?:path|paths|file|files|filename|filepath|dir|directory|folder|attachment|attachments|cwd|workdir)$/,
  ],
  ['url', /^(?:url|urls|uri|link|links|href|endpoint|webhook|website|site|address_url)$/],
  [
    'recipient',
    /^(?:to|cc|bcc|recipient|recipients|email|emails|receiver|payee|beneficiary|participant|participants|attendee|attendees|invitee|invitees|iban|account|channel|phone|member|members|username|collaborator|collaborators)$/,
  ],
  ['amount', /^(?:amount|price|cost|total|sum|fee|payment|value_usd|budget|limit_amount|quantity_usd)$/],
  ['identifier', /^(?:id|ids|uuid|identifier|number|index|page|limit|offset|count)$/],
  ['query', /^(?:query|q|keyword|keywords|search|filter|pattern|term|terms)$/],
]

/** What an unknown tool does, by the words of its name; empty where none tells. */
export function guessedTool(name: string): Tool {
  const words = wordsOf(name)
  const found = EFFECTS.find(([, pattern]) => words.some((word) => pattern.test(word)))
  return { effects: found === undefined ? [] : [found[0]], roles: {}, isUntrusted: true }
}

/** What an argument is, by the words of its name; undefined where none tells. */
export function guessedRole(name: string): Role | undefined {
  const known = guessed.get(name)
  if (known !== undefined || guessed.has(name)) return known
  const words = wordsOf(name)
  const role = FOLDER.test(words.join(''))
    ? 'directory'
    : ROLES.find(([, pattern]) => words.some((word) => pattern.test(word)))?.[0]
  if (name.length > LONGEST_REMEMBERED) return role
  if (guessed.size >= MAXIMUM_REMEMBERED) guessed.clear()
  guessed.set(name, role)
  return role
}

/** Where a call's commands run. */
const FOLDER = /^(?:cwd|workdir|(?:current)?working(?:dir|directory)|currentdirectory)$/

/** The same few names come again and again. */
const guessed = new Map<string, Role | undefined>()
const MAXIMUM_REMEMBERED = 1_000
const LONGEST_REMEMBERED = 100

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '')
}
