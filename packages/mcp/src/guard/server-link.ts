import type { Readable, Writable } from 'node:stream'

/** How a server ended. `text` is for people: `exit code 1`. */
export interface ServerEnd {
  readonly isFailure: boolean
  readonly text: string
}

/** A server of MCP as the guard has it: lines in both directions, and an end. */
export interface ServerLink {
  /** The stream that the server writes. */
  readonly output: Readable
  /** The stream that the server reads. */
  readonly input: Writable
  /** Resolves when it is gone; never rejects. */
  readonly ended: Promise<ServerEnd>
  /** Asks it to end and sees to it, within a bounded time. Never rejects. */
  close(): Promise<ServerEnd>
}
