import { inexactIn } from '@jamey/contracts'
import { usageError } from './failure.js'

/** The JSON object that `option` was given. Throws `CommandFailure` where it is none, or could be read in two ways. */
export function jsonObjectOf(option: string, text: string, hint?: string): Record<string, unknown> {
  const value = parsed(text)
  const fault = value === undefined ? undefined : inexactIn(text, value)
  if (fault === undefined && typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  const told =
    fault === undefined
      ? `expected a JSON object, found ${JSON.stringify(text.slice(0, 60))}`
      : `${fault.path.join('.')} ${fault.expected}`
  throw usageError(`${option}: ${told}`, { code: 'json-invalid', ...(hint === undefined ? {} : { hint }) })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
