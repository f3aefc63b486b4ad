import { MalformedRequest } from '../brokers/fields.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** More fields than RabbitMQ sends. */
const MAXIMUM_FIELDS = 64

/**
 * The fields of a form, `application/x-www-form-urlencoded`. Throws `MalformedRequest` for one that is there twice, for
 * escapes that are none and for what is not UTF-8.
 */
export function readFormBody(bytes: Uint8Array): Readonly<Record<string, string>> {
  const fields = new Map<string, string>()
  for (const pair of textOf(bytes).split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = decoded(at < 0 ? pair : pair.slice(0, at))
    if (fields.has(name)) throw new MalformedRequest('a field of the form is there twice')
    if (fields.size === MAXIMUM_FIELDS) throw new MalformedRequest('the form has too many fields')
    fields.set(name, at < 0 ? '' : decoded(pair.slice(at + 1)))
  }
  return Object.fromEntries(fields)
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new MalformedRequest('the body is not UTF-8')
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new MalformedRequest('the form has an escape that is none')
  }
}
