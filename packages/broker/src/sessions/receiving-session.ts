import type { ShareGroup } from '../messages/delivery.js'
import type { ClientInfo, DropReason } from '../ports/hooks.js'
import type { Subscriber } from '../routing/subscription.js'
import type { StorableSession } from '../storage/storable-session.js'
import type { ClientLink } from './client-link.js'

/** A session, as far as its queue knows it. */
export type ReceivingSession = StorableSession &
  Subscriber & {
    readonly connection: ClientLink | undefined
    /** The client as hooks are told of it. */
    readonly info: ClientInfo
    noteDropped(topic: string, reason: DropReason): void
    /** The group of a shared subscription that it has, or left while something waits to go to the others. */
    groupOf(filter: string): ShareGroup | undefined
  }
