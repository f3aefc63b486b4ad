import { isUtf8 } from 'node:buffer'
import { isObject } from '../lines/message.js'

/** Members with the content of a result, or of a request of the server. */
const CONTENT = ['content', 'contents', 'messages'] as const

/**
 * A result as its session is told it: pictures, sounds and files are left out but for their size, for no text is looked
 * for in them, and they are most of the bytes. A file that is a text is told as one.
 */
export function reportedResult(result: unknown): unknown {
  if (!isObject(result)) return result
  const reported: Record<string, unknown> = { ...result }
  for (const name of CONTENT) if (name in reported) reported[name] = withoutBytes(reported[name])
  return reported
}

/** Messages have content, content has resources, and these have bytes; what lies deeper is told as it is. */
const DEEPEST = 5

function withoutBytes(item: unknown, depth = 0): unknown {
  if (depth > DEEPEST) return item
  if (Array.isArray(item)) return item.map((one) => withoutBytes(one, depth + 1))
  if (!isObject(item)) return item
  const { data, blob, resource, content } = item
  if (isBase64(data)) return { ...item, data: sizeOf(data) }
  if (isBase64(blob)) return { ...item, blob: textOf(blob) }
  return {
    ...item,
    ...(resource === undefined ? {} : { resource: withoutBytes(resource, depth + 1) }),
    ...(content === undefined ? {} : { content: withoutBytes(content, depth + 1) }),
  }
}

function isBase64(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9+/_=\s-]*$/.test(value)
}

/** A program that shows a file to a model goes by what is in it. */
function textOf(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : sizeOf(base64)
}

function sizeOf(base64: string): string {
  return `(${base64.length} characters of base64)`
}
