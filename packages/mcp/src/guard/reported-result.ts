import { isObject } from '../lines/message.js'

/**
 * A result as its session is told it: pictures, sounds and files are left out but for their size, for no text is looked
 * for in them, and they are most of the bytes.
 */
export function reportedResult(result: unknown): unknown {
  if (!isObject(result) || !Array.isArray(result['content'])) return result
  return { ...result, content: result['content'].map(withoutBytes) }
}

function withoutBytes(item: unknown): unknown {
  if (!isObject(item)) return item
  if (typeof item['data'] === 'string') return { ...item, data: sizeOf(item['data']) }
  const { resource } = item
  if (!isObject(resource) || typeof resource['blob'] !== 'string') return item
  return { ...item, resource: { ...resource, blob: sizeOf(resource['blob']) } }
}

function sizeOf(base64: string): string {
  return `(${base64.length} characters of base64)`
}
