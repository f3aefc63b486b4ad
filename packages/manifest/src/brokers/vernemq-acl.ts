import type { Manifest } from '../model/manifest.js'
import { type ClientRules, INBOXES, rulesOf, STATUSES } from './client-rules.js'
import { fail, shown } from './config-text.js'
import { narrowed } from './narrowed.js'

/**
 * The rules of `vmq_acl`, for users that certificates name. It compares a subscription's filter with a rule as if it were a
 * topic, `$share/<group>` included, and asks only then, not when it delivers: so a rule that ends in `+` or `+/#` would let in `#`,
 * and one that begins with a wildcard every share group. Such permissions are refused, and what selects the inboxes of
 * others is narrowed. It ends without a word at a line that it cannot read.
 */
export function vernemqAcl({ clients }: Manifest): string {
  return clients.map(rulesOf).map(blockOf).join('\n')
}

function blockOf(rules: ClientRules): string {
  const { clientId, publish, subscribe, shares } = rules
  assertWord(clientId, clientId)
  const read = [
    ...narrowed(subscribe, INBOXES, rules),
    ...shares.flatMap(({ group, filter }) =>
      narrowed([filter], INBOXES, rules).map((part) => `$share/${group}/${part}`),
    ),
  ]
  for (const filter of [...publish, ...subscribe, ...shares.map((share) => share.filter)]) {
    assertFirstLevel(filter, clientId)
    assertWord(filter, clientId)
  }
  for (const { group } of shares) assertWord(group, clientId)
  for (const filter of read) assertLastLevel(filter, clientId)
  const written = new Set(narrowed(publish, STATUSES, rules))
  const both = read.filter((filter) => written.has(filter))
  return [
    `user ${clientId}`,
    ...both.map((filter) => `topic ${filter}`),
    ...read.filter((filter) => !written.has(filter)).map((filter) => `topic read ${filter}`),
    ...[...written].filter((filter) => !both.includes(filter)).map((filter) => `topic write ${filter}`),
    '',
  ].join('\n')
}

/** A line is read to its end, without the white space about it. */
function assertWord(text: string, clientId: string): void {
  if (text.trim() === text && !/[\p{Cc}\u2028\u2029]/u.test(text)) return
  refuse(text, clientId, 'it takes no white space at an end, and no control characters; rename it')
}

function assertFirstLevel(filter: string, clientId: string): void {
  const [first = ''] = filter.split('/')
  if (first !== '#' && first !== '+') return
  refuse(
    filter,
    clientId,
    'a wildcard as the first level would let into every share group; name the level, as in jamey/#',
  )
}

function assertLastLevel(filter: string, clientId: string): void {
  if (!/\/\+(\/#)?$/.test(filter)) return
  refuse(
    filter,
    clientId,
    'it would let subscribe to # in the place of the last +; end it with # if that is meant, or name the topics',
  )
}

function refuse(what: string, clientId: string, why: string): never {
  fail('not-expressible', `vmq_acl of VerneMQ cannot enforce ${shown(what)} of ${shown(clientId)}: ${why}`)
}
