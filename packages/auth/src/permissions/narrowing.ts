import { covers, intersectionOf } from '@jamey/protocol'
import { type Grant, permissionFault, readEntries } from './permission-entry.js'
import type { Permissions } from './permissions.js'

/**
 * A list of what both allow: a message may be published, a filter subscribed to by it only where either would let that
 * be. The rights to act for others and to relay are no part of it. For `permissions.clientId`, with its identifier in
 * the place of `%c`.
 */
export function narrowedTo(permissions: Permissions, bounds: Permissions): readonly string[] {
  const { clientId } = permissions
  const [own, allowed] = [readEntries(permissions.list, clientId), readEntries(bounds.list, clientId)]
  const both = [
    ...shared(own.publish, allowed.publish).map(({ filter }) => `publish:${filter}`),
    ...shared(own.subscribe, allowed.subscribe).map(
      ({ group, filter }) => `subscribe:${group === undefined ? '' : `$share/${group}/`}${filter}`,
    ),
  ]
  // Of two entries that can be written, what both select may be one that cannot: the empty topic, or white space at an end.
  return both.filter((text) => permissionFault(text) === undefined)
}

type Selected = Pick<Grant, 'group' | 'filter'>

function shared(own: readonly Grant[], allowed: readonly Grant[]): readonly Selected[] {
  const found: Selected[] = []
  const add = (next: Selected): void => {
    if (!found.some((known) => contains(known, next))) found.push(next)
  }
  for (const grant of own) {
    if (allowed.some((each) => contains(each, grant))) {
      add(grant)
      continue
    }
    for (const { group, filter } of allowed) {
      const both = group === grant.group ? intersectionOf(grant.filter, filter) : undefined
      if (both !== undefined) add({ group, filter: both })
    }
  }
  return found
}

function contains(outer: Selected, inner: Selected): boolean {
  return outer.group === inner.group && covers(outer.filter, inner.filter)
}
