/** The actions that a client asks for; their names are those of `Permissions` in `@jamey/auth`. */
export type PermissionAction = 'publish' | 'subscribe' | 'receive' | 'act-for'

export type PermissionRuling = 'own' | 'granted' | 'foreign' | 'invalid' | 'not-granted'

/** One decision: what a client with these permissions asks for, whether it is allowed, and why. */
export interface PermissionCase {
  /** A sentence that says what the case shows; it becomes part of a test's name. */
  readonly name: string
  readonly clientId: string
  readonly permissions: readonly string[]
  readonly action: PermissionAction
  /** A topic name; a topic filter where the action is 'subscribe', a client identifier where it is 'act-for'. */
  readonly topic: string
  readonly isAllowed: boolean
  readonly ruling: PermissionRuling
}

/** Requests are written `<action> <topic>`, under what is ruled on them. The client is 'eva' where nothing else is said. */
export interface PermissionRow {
  readonly shows: string
  readonly clientId?: string
  readonly permissions: readonly string[]
  readonly own?: readonly string[]
  readonly granted?: readonly string[]
  readonly foreign?: readonly string[]
  readonly invalid?: readonly string[]
  readonly missing?: readonly string[]
}
