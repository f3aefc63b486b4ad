import type { MemoryLayer, MemoryScope } from '@jamey/contracts'
import type { ClientOptions } from '../../client/connection-target.js'
import type { TextFormat } from '../../support/memory-pieces.js'

export interface RememberOptions extends ClientOptions {
  readonly file?: string
  readonly format?: TextFormat
  /** True: memories whose text is not in the file any more are forgotten. */
  readonly prune?: boolean
  readonly layer?: MemoryLayer
  readonly tag?: string[]
  readonly importance?: number
  readonly shared?: boolean
  readonly scope?: MemoryScope
  readonly session?: string
  readonly turn?: number
  readonly origin?: string
  readonly untrusted?: boolean
  readonly validFrom?: string
  readonly validTo?: string
  /** Milliseconds. */
  readonly ttl?: number
  readonly supersedes?: string
  readonly key?: string
  /** JSON. */
  readonly metadata?: string
  /** The client identifier of whose memory it is to be. */
  readonly for?: string
  readonly timeout: number
}
