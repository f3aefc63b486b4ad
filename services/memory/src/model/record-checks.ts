import { hash } from 'node:crypto'
import { CONTENT_CHARACTERS, METADATA_BYTES, quickParse, textFaultIn } from '@jamey/contracts'
import type { z } from 'zod'
import { MemoryInputError } from './errors.js'

export interface MemoryLimits {
  readonly maximumContentCharacters: number
  readonly maximumTags: number
  readonly maximumTagCharacters: number
  /** Bytes of the metadata as JSON in UTF-8. */
  readonly maximumMetadataBytes: number
}

/** The first three are the contract's own; smaller ones may be configured. */
export const MEMORY_LIMITS: MemoryLimits = {
  maximumContentCharacters: CONTENT_CHARACTERS,
  maximumTags: 100,
  maximumTagCharacters: 200,
  maximumMetadataBytes: METADATA_BYTES,
}

const MAXIMUM_ID_CHARACTERS = 200
/** A database refuses to look into what is nested deeper than some thousand levels, and with it every other memory. */
const MAXIMUM_METADATA_DEPTH = 100

/** SHA-256 in hex of a text, however its letters are composed. */
export function contentHash(content: string): string {
  return hash('sha256', content.normalize('NFC'))
}

/** A client identifier as the file can hold it. */
export function storable(clientId: string): string {
  return clientId.toWellFormed().replaceAll('\0', '\ufffd')
}

/** Tags are compared without regard to case; the form the sender gave is what is shown. */
export function tagKey(tag: string): string {
  return tag.trim().normalize('NFC').toLowerCase()
}

/**
 * Checks `input` against a contract's schema, and its text as the bus does that of a request; the first fault becomes a
 * `MemoryInputError`.
 */
export function parsed<Schema extends z.ZodType>(schema: Schema, input: z.input<Schema>): z.output<Schema> {
  const fault = textFaultIn(input)
  if (fault !== undefined) throw new MemoryInputError(pathOf(fault.path).toWellFormed(), fault.expected)
  const result = quickParse(schema, input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new MemoryInputError(pathOf(issue?.path ?? []), issue?.message ?? 'is not valid')
}

export function checkId(field: string, id: string): void {
  if (id.length >= 1 && id.length <= MAXIMUM_ID_CHARACTERS && id.isWellFormed() && !id.includes('\0')) return
  throw new MemoryInputError(
    field,
    `must be 1 to ${MAXIMUM_ID_CHARACTERS} characters of well-formed text; found ${id.length} characters`,
  )
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return text === '' ? 'request' : text.replace(/^\./, '')
}

export function bounded(field: string, text: string, maximum: number): string {
  // The database library ends a text at the first U+0000, which would lose the rest without a word.
  if (text.includes('\0')) throw new MemoryInputError(field, 'must not contain the character U+0000')
  if (text.length <= maximum) return text
  throw new MemoryInputError(
    field,
    `must be at most ${maximum} characters; found ${text.length}. Store it in parts`,
  )
}

export function tagsFrom(tags: readonly string[], limits: MemoryLimits): string[] {
  if (tags.length > limits.maximumTags) {
    throw new MemoryInputError('tags', `must be at most ${limits.maximumTags}; found ${tags.length}`)
  }
  const byKey = new Map<string, string>()
  for (const [i, tag] of tags.entries()) {
    const shown = bounded(`tags[${i}]`, tag, limits.maximumTagCharacters).trim().normalize('NFC')
    if (shown === '') throw new MemoryInputError(`tags[${i}]`, 'must hold more than blanks')
    if (!byKey.has(tagKey(shown))) byKey.set(tagKey(shown), shown)
  }
  return [...byKey.values()]
}

export function metadataFrom(metadata: Record<string, unknown>, limits: MemoryLimits): string {
  let json: string
  try {
    json = JSON.stringify(metadata)
  } catch (error) {
    throw new MemoryInputError('metadata', `must be a JSON object: ${(error as Error).message}`)
  }
  // Each level takes two characters at least.
  if (json.length > MAXIMUM_METADATA_DEPTH * 2 && !isWithinDepth(metadata, MAXIMUM_METADATA_DEPTH)) {
    throw new MemoryInputError('metadata', `must be nested at most ${MAXIMUM_METADATA_DEPTH} levels deep`)
  }
  const bytes = Buffer.byteLength(json)
  if (bytes <= limits.maximumMetadataBytes) return json
  throw new MemoryInputError(
    'metadata',
    `must be at most ${limits.maximumMetadataBytes} bytes as JSON; found ${bytes}`,
  )
}

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((one) => isWithinDepth(one, depth - 1))
}
