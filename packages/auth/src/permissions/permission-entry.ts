import { isTopicFilter, splitShared } from '@jamey/protocol'
import { clientIdentifierFault, quote } from '../support/client-identifier.js'
import { PermissionListError } from '../support/errors.js'

/** The form of an entry, to follow "expected" in a sentence. */
export const PERMISSION_FORM =
  'an MQTT topic filter, optionally after publish: or subscribe: (one with a colon in its first level always), subscribe:$share/<group>/<filter>, or act-for: or relay: before a client identifier or +'

/** Stands for the client's own identifier where it is a whole level of an entry. */
const OWN = '%c'

/** An entry that grants a direction: the filter it grants and, where it is the right to be in a share group, which. */
export interface Grant {
  readonly text: string
  readonly group: string | undefined
  readonly filter: string
}

/** An entry that lets the client act for `whom`, or relay its messages: a client identifier, or `+` for anybody. */
export interface WhomEntry {
  readonly text: string
  readonly whom: string
}

/** A list of permissions, read for one client. */
export interface Entries {
  readonly publish: readonly Grant[]
  readonly subscribe: readonly Grant[]
  readonly actFor: readonly WhomEntry[]
  readonly relay: readonly WhomEntry[]
}

/**
 * What a list of permissions grants the client, `%c` put in its place; its own topics need no entry and are not among
 * it. Throws `PermissionListError` 'permission-malformed' for the first entry that cannot be read.
 */
export function readEntries(list: readonly string[], clientId: string): Entries {
  const publish: Grant[] = []
  const subscribe: Grant[] = []
  const actFor: WhomEntry[] = []
  const relay: WhomEntry[] = []
  for (const text of list) {
    const [verb, argument] = splitVerb(text)
    const fault = faultOf(verb, argument)
    if (fault !== undefined) {
      const message = `permission ${quote(text)} ${fault}; expected ${PERMISSION_FORM}`
      throw new PermissionListError('permission-malformed', message)
    }
    if (verb === 'act-for' || verb === 'relay') {
      const entries = verb === 'relay' ? relay : actFor
      entries.push({ text, whom: argument })
      continue
    }
    const grant = grantOf(text, argument, clientId)
    if (grant === undefined) continue
    if (verb !== 'subscribe') publish.push(grant)
    if (verb !== 'publish') subscribe.push(grant)
  }
  return { publish, subscribe, actFor, relay }
}

/**
 * The entry that would grant this. A level that no entry can name, for it has `%c` in it, or white space at an end of
 * the whole, is granted by `+`; undefined where that does not help either.
 */
export function entryFor(verb: 'publish' | 'subscribe', wanted: string): string | undefined {
  const { group, filter } = splitShared(wanted)
  const levels = filter.split('/')
  const named = levels.map((level, i) => {
    const isAtAnEnd = i === 0 || i === levels.length - 1
    return level.includes(OWN) || (isAtAnEnd && level.trim() !== level) ? '+' : level
  })
  if (group?.includes(OWN) || (named[0] === '+' && filter.startsWith('$'))) return undefined
  return `${verb}:${group === undefined ? '' : `$share/${group}/`}${named.join('/')}`
}

/** The fault of an entry, to follow it in a sentence; undefined where it can be read. */
export function permissionFault(text: string): string | undefined {
  return faultOf(...splitVerb(text))
}

type Verb = 'publish' | 'subscribe' | 'act-for' | 'relay'

const VERBS: readonly Verb[] = ['publish', 'subscribe', 'act-for', 'relay']

function splitVerb(text: string): [Verb | undefined, string] {
  const verb = VERBS.find((one) => text.startsWith(`${one}:`))
  return verb === undefined ? [undefined, text] : [verb, text.slice(verb.length + 1)]
}

function faultOf(verb: string | undefined, argument: string): string | undefined {
  if (argument.trim() !== argument) return 'has white space at an end'
  if (verb === 'act-for' || verb === 'relay') return whomFault(argument, verb)
  if (argument === '') return 'has no filter'
  // A slip in a verb would otherwise be a filter that grants nothing anybody meant.
  if (verb === undefined && /^[^/]*:/.test(argument)) {
    return 'has a colon in its first level without a verb before it'
  }
  if (argument.startsWith('$share/')) {
    if (verb === undefined) return 'has a share name without subscribe: before it'
    if (verb === 'publish') return 'has a share name, and nobody publishes to a group'
  }
  if (!isTopicFilter(argument)) {
    const isShared = argument.startsWith('$share/')
    return `has no valid ${isShared ? 'share name with a topic filter after it' : 'topic filter'}`
  }
  return isOwnWhole(argument) ? undefined : `has ${OWN} beside other characters of a level`
}

function isOwnWhole(argument: string): boolean {
  if (!argument.includes(OWN)) return true
  return argument.split('/').every((level) => level === OWN || !level.includes(OWN))
}

/** A client that acted for itself would choose its own permissions, and its own messages nobody relays: no `%c` here. */
function whomFault(whom: string, verb: 'act-for' | 'relay'): string | undefined {
  if (whom === '+') return undefined
  const what = verb === 'relay' ? 'relays' : 'acts for'
  return whom === OWN ? `has ${OWN}, which no client ${what}` : clientIdentifierFault(whom)
}

/** The grant of an entry; undefined where it grants this client nothing. */
function grantOf(text: string, argument: string, clientId: string): Grant | undefined {
  const { group, filter } = splitShared(argument)
  if (!argument.includes(OWN)) return { text, group, filter }
  // An identifier that starts with `$` does not open what the server keeps for itself, as `+` does not. [MQTT-4.7.2-1]
  if (filter.startsWith(OWN) && clientId.startsWith('$')) return undefined
  const own = (level: string): string => (level === OWN ? clientId : level)
  return { text, group: group && own(group), filter: filter.split('/').map(own).join('/') }
}
