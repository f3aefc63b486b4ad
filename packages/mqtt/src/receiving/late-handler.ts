import type { Message } from '../model/message.js'
import type { SubscribeOptions } from '../model/options.js'
import type { Entry } from './asked-packets.js'
import type { Dispatcher } from './dispatcher.js'
import type { Handling } from './handling.js'

/**
 * Sees to it that a handler gets the retained messages that comes when they have, or may have, been sent: the server is
 * to be asked for them once more, with another identifier. By that they are told from those that it may still be sending
 * to the handlers that were there before; those ignore the new ones, and the new handler the old.
 */
export function requestRetained(
  dispatcher: Dispatcher,
  entry: Entry,
  handling: Handling,
  { retainHandling = 0 }: SubscribeOptions,
): void {
  const { filter, handlings } = entry
  // Retained messages of a shared subscription go to nobody. Section 3.8.3.1.
  if (retainHandling !== 0 || filter.startsWith('$share/') || !handlings.includes(handling)) return
  const formers = [...entry.identifiers]
  dispatcher.renumber(entry)
  const identifier = entry.identifiers.at(-1) as number
  // One that is not known any more says nothing, and long-lived handlers would gather them without end.
  for (const former of formers) if (!entry.identifiers.includes(former)) forget(handlings, former)
  // A second copy is better than none where live messages are marked as retained, too.
  if (!entry.request.retainAsPublished) {
    for (const former of entry.identifiers) if (former !== identifier) ignore(handling, former)
    for (const other of handlings) if (other !== handling) ignore(other, identifier)
  }
  entry.request = { ...entry.request, retainHandling: 0 }
  entry.state = 'unsent'
}

function ignore(handling: Handling, identifier: number): void {
  if (handling.ignoredIdentifiers === undefined) {
    const { handler } = handling
    const ignoredIdentifiers = new Set<number>()
    handling.ignoredIdentifiers = ignoredIdentifiers
    handling.handler = (message) => (isFor(ignoredIdentifiers, message) ? undefined : handler(message))
  }
  handling.ignoredIdentifiers.add(identifier)
}

function forget(handlings: readonly Handling[], identifier: number): void {
  for (const { ignoredIdentifiers } of handlings) ignoredIdentifiers?.delete(identifier)
}

function isFor(ignoredIdentifiers: ReadonlySet<number>, { retain, properties }: Message): boolean {
  return retain && properties?.subscriptionIdentifiers?.some((one) => ignoredIdentifiers.has(one)) === true
}
