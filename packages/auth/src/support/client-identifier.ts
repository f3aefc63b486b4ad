import { PermissionListError } from './errors.js'

/** Long enough for any name a person gives, short enough for logs, topics and file names. */
const MAXIMUM_CHARACTERS = 128

/**
 * Whether `text` can name a client: 1 to 128 characters, none of `/`, `+`, `#` and no control character, because the
 * identifier stands as one level of the client's own topics.
 */
export function isClientIdentifier(text: string): boolean {
  return clientIdentifierFault(text) === undefined
}

/** Throws `PermissionListError` 'client-identifier-invalid' that says what is wrong with `text`. */
export function assertClientIdentifier(text: string): void {
  const fault = clientIdentifierFault(text)
  if (fault === undefined) return
  throw new PermissionListError(
    'client-identifier-invalid',
    `client identifier ${quote(text)} ${fault}; expected 1 to ${MAXIMUM_CHARACTERS} characters without / + # and control characters`,
  )
}

/**
 * The fault of `text` as a client identifier, to follow the identifier in a sentence; undefined where there is none.
 */
export function clientIdentifierFault(text: string): string | undefined {
  if (text === '') return 'is empty'
  if (text.length > MAXIMUM_CHARACTERS) return `has ${text.length} characters`
  if (/[/+#]/.test(text)) return 'has a topic separator or wildcard'
  if (/\p{Cc}/u.test(text)) return 'has a control character'
  return text.isWellFormed() ? undefined : 'has a lone surrogate'
}

/** `text` in quotes for an error message, cut where it is long, so that a peer cannot flood a log. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
