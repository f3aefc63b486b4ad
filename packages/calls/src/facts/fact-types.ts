import type { Effect, Role } from '../model/call.js'
import type { SecretFact } from '../text/secrets.js'
import type { SignalFact } from '../text/signals.js'
import type { ToolCatalogue } from '../tools/catalogue.js'
import type { Links } from '../values/links.js'
import type { MailFact } from '../values/mail.js'
import type { Access, PathFact, PathOptions } from '../values/path.js'
import type { SqlFact } from '../values/sql.js'
import type { UrlFact } from '../values/url.js'

/** Where in the arguments something stands, as a JSON Pointer. */
export interface Placed {
  readonly where: string
}

/** One command of a script. */
export interface CommandFact extends Placed {
  /** `git`, `push`: the program and its subcommands. */
  readonly words: readonly string[]
  /** Empty where the program, or what it is told to do, is not known. */
  readonly effects: readonly Effect[]
  readonly arguments: readonly string[]
  /** What runs it: `sudo`, `xargs`. */
  readonly wrappers: readonly string[]
}

/** A path, and what would be done there. */
export interface FileFact extends PathFact, Placed {
  readonly access: Access
  /** A change there is no more than work in the workspace, or with temporary files. */
  readonly isWorkable: boolean
}

export interface FactOptions extends PathOptions {
  /** What is known of tools; those of this package alone where it is left out. */
  readonly tools?: ToolCatalogue | undefined
  /** Absolute; where the tool's shell may be beside the workspace, because of earlier calls. Null: where nobody knows. */
  readonly folders?: Folders | undefined
  /** Variables that may hold any text in the tool's shell, because of earlier calls. */
  readonly variables?: readonly string[] | undefined
  /** Where links of the workspace lead; without it they are not followed. */
  readonly links?: Links | undefined
}

/** Where a shell may be, beside the workspace and its ordinary folders. Null: where nobody knows. */
export type Folders = readonly (string | null)[]

/** What a call would do, as far as its text tells. */
export interface Facts {
  readonly tool: string
  /** Whether the deployer or this package knows it; otherwise its effects are a guess. */
  readonly isKnown: boolean
  /** What it answers was written by others. */
  readonly isUntrusted: boolean
  /** The deployer says that nobody else writes what it answers, and it does no more than read. */
  readonly isTrusted: boolean
  readonly effects: readonly Effect[]
  readonly commands: readonly CommandFact[]
  readonly files: readonly FileFact[]
  readonly urls: readonly (UrlFact & Placed)[]
  readonly mails: readonly (MailFact & Placed)[]
  /** Whom it is for, as it was given: an address, an account, a channel. */
  readonly recipients: readonly (Placed & { readonly text: string })[]
  readonly amounts: readonly (Placed & { readonly amount: number })[]
  /** Every number, sums among them. */
  readonly numbers: readonly (Placed & { readonly number: number })[]
  readonly sql: readonly (SqlFact & Placed)[]
  readonly code: readonly (Placed & { readonly interpreter: string; readonly text: string })[]
  /** Secrets by their known shapes, wherever they stand. */
  readonly secrets: readonly (SecretFact & Placed)[]
  /** Words of harm, in what is told to somebody and in words that are judged by themselves. */
  readonly signals: readonly (SignalFact & Placed)[]
  readonly texts: readonly (Placed & { readonly role: Role | undefined; readonly text: string })[]
  /** Where its shell may be afterwards; undefined where it goes on from where it was. */
  readonly folders: Folders | undefined
  /** What could not be read, and why. */
  readonly unread: readonly (Placed & { readonly reason: string })[]
}
