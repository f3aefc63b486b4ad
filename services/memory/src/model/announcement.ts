import type { MemoryUpdate } from '@jamey/contracts'

/** The change that happened to memories. */
export type MemoryChange = MemoryUpdate['change']

/** An update that was committed together with the change it tells of and still has to be published. */
export interface Announcement {
  readonly seq: number
  /** Identifier that is the same whenever it is published again, so that receivers can tell a repeat. */
  readonly messageId: string
  readonly update: MemoryUpdate
}
