/** What a tool's server says of it, by the names of MCP. */
export interface Annotations {
  readonly readOnlyHint?: boolean | undefined
  readonly destructiveHint?: boolean | undefined
}

/** A call of a tool that an agent is about to make. */
export interface Call {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly annotations?: Annotations | undefined
  /** What the agent says that it is for; no part of what it does. */
  readonly intent?: string | undefined
  /** Absolute; the folder that whoever makes the call says it is made in. Judged beside the workspace, not in its place. */
  readonly cwd?: string | undefined
}

/** Something in words, and what is said beside it; nobody knows what will be done. */
export interface Words {
  readonly action: string
  readonly context?: Readonly<Record<string, unknown>> | undefined
  readonly user?: Readonly<Record<string, unknown>> | undefined
}

export const ROLES = [
  'path',
  'directory',
  'patch',
  'url',
  'recipient',
  'amount',
  'command',
  'code',
  'sql',
  'text',
  'secret',
  'query',
  'identifier',
] as const

/**
 * The kind of an argument. `directory`: the folder that the call's commands run in. `patch`: changes of files that it
 * names itself. `query`: words to search by. `identifier`: of something that the tool knows.
 */
export type Role = (typeof ROLES)[number]

export const EFFECTS = [
  'read',
  'write',
  'delete',
  'build',
  'execute',
  'outward-read',
  'send',
  'pay',
  'admin',
] as const

/**
 * What a program or a tool does, as far as its name and options tell. `build`: runs what the project itself has as its
 * tests and builds. `execute`: runs code that is not looked at here. `outward-read`: fetches from elsewhere, `send`: tells
 * elsewhere.
 */
export type Effect = (typeof EFFECTS)[number]
