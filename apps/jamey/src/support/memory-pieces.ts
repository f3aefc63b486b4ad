import { extname } from 'node:path'
import type { MemoryStoreInput } from '@jamey/contracts'
import { markdownPieces, plainPieces, type TextPiece } from './text-pieces.js'

/** How a text is cut into what is worth remembering by itself. */
export type TextFormat = 'markdown' | 'text' | 'json-lines'

const BY_ENDING: Readonly<Record<string, TextFormat>> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.mdx': 'markdown',
  '.jsonl': 'json-lines',
  '.ndjson': 'json-lines',
}

/** The format by the ending of a file's name; any other one is plain text. */
export function formatOf(path: string): TextFormat {
  return BY_ENDING[extname(path).toLowerCase()] ?? 'text'
}

/** A part of a file that becomes one memory. */
export interface MemoryPiece {
  readonly content: string
  /** Number of the paragraph or line, from 1, as a person counts. */
  readonly number: number
  /** Said by the file beside its text. */
  readonly attributes: Omit<MemoryStoreInput, 'content'>
}

/** A part that cannot become one. */
export interface RefusedPiece {
  readonly number: number
  readonly refusal: string
}

/** Refusals that are told in words; those of a file that is no text would fill the screen. */
const TOLD = 5

/** The first refusals in the order of the parts, each of which is a `word`, and how many more there are. */
export function firstRefusals(refused: readonly RefusedPiece[], word: string): string {
  const sorted = refused.toSorted((a, b) => a.number - b.number)
  const told = sorted.slice(0, TOLD).map(({ number, refusal }) => `${word} ${number}: ${refusal}`)
  const more = sorted.length > TOLD ? [`and ${sorted.length - TOLD} more`] : []
  return [...told, ...more].join('; ')
}

/** The parts of a text, in their order. */
export function memoryPieces(text: string, format: TextFormat): (MemoryPiece | RefusedPiece)[] {
  if (format === 'json-lines') return linePieces(text)
  const pieces = format === 'markdown' ? markdownPieces(text) : plainPieces(text)
  return pieces.map(({ content, headings }: TextPiece, i) => ({
    content,
    number: i + 1,
    attributes: { metadata: { paragraph: i + 1, ...(headings.length === 0 ? {} : { headings }) } },
  }))
}

/** Each line a text in quotes, or an object with `content` and what else is stored with it. */
function linePieces(text: string): (MemoryPiece | RefusedPiece)[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [linePiece(line, i + 1)]))
}

function linePiece(line: string, number: number): MemoryPiece | RefusedPiece {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return { number, refusal: `it is not JSON: ${(error as Error).message}` }
  }
  if (typeof value === 'string') return { content: value, number, attributes: {} }
  const { content, ...attributes } = (value ?? {}) as Partial<MemoryStoreInput>
  if (typeof content === 'string') return { content, number, attributes }
  return { number, refusal: 'expected a text in quotes, or an object with "content"' }
}
