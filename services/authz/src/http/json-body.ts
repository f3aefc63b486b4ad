import { MalformedRequest } from '../brokers/fields.js'
import { MAXIMUM_BODY_DEPTH } from './limits.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The value in a JSON body. Throws `MalformedRequest` for bytes that are not UTF-8, text that is not JSON, what is nested
 * deeper than any broker does, and an object that names a member twice: two readers could take it for two things.
 */
export function readJsonBody(bytes: Uint8Array): unknown {
  let text: string
  let value: unknown
  try {
    text = utf8.decode(bytes)
    assertDepth(text)
    value = JSON.parse(text)
  } catch (error) {
    if (error instanceof MalformedRequest) throw error
    throw new MalformedRequest('the body is not JSON')
  }
  assertUnique(text)
  return value
}

/** The depth is checked before the text is parsed, which would recurse. */
function assertDepth(text: string): void {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') i = endOfText(text, i)
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > MAXIMUM_BODY_DEPTH) throw new MalformedRequest('the body is nested too deep')
  }
}

/** Throws where a member comes twice in a text that is known to be JSON. */
function assertUnique(text: string): void {
  /** The names so far of each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '{':
        open.push(new Set())
        isName = true
        break
      case '[':
        open.push(undefined)
        isName = false
        break
      case '}':
      case ']':
        open.pop()
        isName = false
        break
      case ',':
        isName = open.at(-1) !== undefined
        break
      case '"': {
        const end = endOfText(text, i)
        if (isName) addName(open.at(-1), JSON.parse(text.slice(i, end + 1)))
        isName = false
        i = end
        break
      }
    }
  }
}

function addName(names: Set<string> | undefined, name: unknown): void {
  if (typeof name !== 'string' || names?.has(name))
    throw new MalformedRequest('a member of the body is there twice')
  names?.add(name)
}

/** The index of the quotation mark that ends the text which begins at `start`. */
function endOfText(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end
}
