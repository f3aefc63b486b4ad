import { inexactIn } from '@jamey/contracts'
import { MessageError } from '../support/errors.js'

const MAXIMUM_NAME = 80

/**
 * Throws `MessageError` where an envelope says something that JSON.parse does not tell: two texts would have one digest.
 * `text` is the envelope, `read` what JSON.parse made of it. Numbers count in the payload, which the digest is of.
 */
export function assertExact(topic: string, text: string, read: unknown): void {
  const fault = inexactIn(text, read, 'payload')
  if (fault !== undefined) throw new MessageError(topic, fieldAt(fault.path), fault.expected)
}

function fieldAt(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (field, at) =>
      typeof at === 'number'
        ? `${field}[${at}]`
        : `${field}${field === '' ? '' : '.'}${at.slice(0, MAXIMUM_NAME)}`,
    '',
  )
}
