import { inexactIn, type JsonFault, textFaultIn } from '@jamey/contracts'
import { Problem } from '../problems/problem.js'

/** Deeper bodies serve no purpose here, and every reader behind the HTTP server would have to survive them. */
const MAXIMUM_BODY_DEPTH = 64

/** Half a surrogate pair is an escape in a body of UTF-8, and a name may be written in escapes. */
const MAY_BE_AT_FAULT = /\\u|__proto__/

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The value in a JSON body. Throws a `Problem` 400 on bytes that are not UTF-8, text that is not JSON, objects
 * nested deeper than `MAXIMUM_BODY_DEPTH`, text that is not Unicode, members called `__proto__` or that come twice, and
 * numbers that no double holds.
 */
export function readJsonBody(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  const value = parse(text)
  assertFlat(value)
  if (MAY_BE_AT_FAULT.test(text)) refuse(textFaultIn(value))
  refuse(inexactIn(text, value))
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new Problem('invalid-input', 'The body is not UTF-8.', { field: 'body', cause })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\s+/g, ' ') : 'unknown'
    throw new Problem('invalid-input', `The body is not JSON: ${reason}.`, { field: 'body', cause })
  }
}

/** Walks with a list of its own, since recursion is what a deep body would exhaust. */
function assertFlat(root: unknown): void {
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAXIMUM_BODY_DEPTH) {
      throw new Problem('invalid-input', `The body is nested deeper than ${MAXIMUM_BODY_DEPTH} levels.`, {
        field: 'body',
      })
    }
    const below: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue
      for (const member of Object.values(value)) below.push(member)
    }
    level = below
  }
}

function refuse(fault: JsonFault | undefined): void {
  if (fault === undefined) return
  const field = fault.path.join('.').toWellFormed() || 'body'
  throw new Problem('invalid-input', `${field} is not acceptable: ${fault.expected}.`, { field })
}
