import { Readable } from 'node:stream'
import { archivedMemorySchema, textFaultIn } from '@jamey/contracts'
import { faultOf } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'
import { problemOf } from '../problems/problem-of-error.js'
import { type MemoryLine, memoryLines } from './memory-lines.js'

type Output = Readonly<Record<string, unknown>>

/** Asks for one page, or hands one batch over. */
export type ArchiveCall = (input: Record<string, unknown>) => Promise<Output>

/** Lines of one batch, and the bytes of their text: a request to the memory takes no more than 1 MiB. */
const BATCH_LINES = 500
const BATCH_BYTES = 524_288
const PAGE_MEMORIES = 500
/** Number of refused lines that are told; of the others there is a count. */
const MAXIMUM_TOLD = 100

/**
 * All pages of an export as lines of JSON. The first page is asked for before anything is sent, so that what fails then
 * is a problem; the next one only once the caller has read the one before.
 */
export async function exportStream(call: ArchiveCall, input: Record<string, unknown>): Promise<Readable> {
  const ask = (cursor?: unknown) =>
    call({ ...input, limit: PAGE_MEMORIES, ...(cursor === undefined ? {} : { cursor }) })
  const first = await ask()
  async function* pages(): AsyncGenerator<string> {
    for (let page = first; ; page = await ask(page['next_cursor'])) {
      const memories = page['memories'] as readonly unknown[]
      if (memories.length > 0) yield memories.map((memory) => `${JSON.stringify(memory)}\n`).join('')
      if (page['next_cursor'] === undefined) return
    }
  }
  return Readable.from(pages(), { highWaterMark: 1 })
}

/** What became of the lines of an import. */
export interface ImportSummary {
  imported: number
  /** These were here already. */
  known: number
  /** The time of these has passed, so they were left out. */
  expired: number
  refused: number
  /** Why, of the first hundred. */
  readonly errors: { readonly line: number; readonly code: string; readonly message: string }[]
}

interface Taken {
  readonly line: number
  readonly memory: unknown
}

/**
 * Hands the lines of a body on in batches, one after the other, so that no more of it is held than one batch. A line
 * that cannot be taken is told with its number, and the others are taken.
 */
export async function importLines(
  body: AsyncIterable<Uint8Array>,
  call: ArchiveCall,
): Promise<ImportSummary> {
  const summary: ImportSummary = { imported: 0, known: 0, expired: 0, refused: 0, errors: [] }
  let batch: Taken[] = []
  let bytes = 0
  const finish = async () => {
    if (batch.length > 0) await take(batch, call, summary)
    batch = []
    bytes = 0
  }
  try {
    for await (const line of memoryLines(body)) {
      const taken = checked(line, summary)
      if (taken === undefined) continue
      if (batch.length === BATCH_LINES || bytes + line.bytes > BATCH_BYTES) await finish()
      batch.push(taken)
      bytes += line.bytes
    }
    await finish()
  } catch (error) {
    throw interrupted(error, summary)
  }
  return summary
}

function checked(line: MemoryLine, summary: ImportSummary): Taken | undefined {
  if ('refusal' in line) {
    refuse(summary, line.number, 'invalid-request', line.refusal)
    return undefined
  }
  const fault = textFaultIn(line.value)
  if (fault !== undefined) {
    const field = fault.path.join('.').toWellFormed()
    refuse(summary, line.number, 'invalid-request', `${field} is not acceptable: ${fault.expected}.`)
    return undefined
  }
  const parsed = archivedMemorySchema.safeParse(line.value)
  if (parsed.success) return { line: line.number, memory: parsed.data }
  refuse(summary, line.number, 'invalid-request', faultOf(parsed.error.issues, line.value).detail)
  return undefined
}

async function take(batch: readonly Taken[], call: ArchiveCall, summary: ImportSummary): Promise<void> {
  const { results } = await call({ memories: batch.map(({ memory }) => memory) })
  for (const [i, result] of (results as readonly Output[]).entries()) {
    const error = result['error'] as { code: string; message: string } | undefined
    if (error !== undefined) refuse(summary, batch[i]?.line ?? 0, error.code, error.message)
    else if (result['outcome'] === 'restored') summary.imported += 1
    else if (result['outcome'] === 'known') summary.known += 1
    else summary.expired += 1
  }
}

function refuse(summary: ImportSummary, line: number, code: string, message: string): void {
  summary.refused += 1
  if (summary.errors.length < MAXIMUM_TOLD) summary.errors.push({ line, code, message })
}

/** Whoever repeats the import wants to know that what was taken is known by then. */
function interrupted(error: unknown, { imported, known }: ImportSummary): Problem {
  const problem = problemOf(error)
  if (imported + known === 0) return problem
  const taken = `${imported + known} memories are here by now; sending the same again takes the rest.`
  const { kind, code, field, headers } = problem
  return new Problem(kind, `${problem.message} ${taken}`, { code, field, headers, cause: error })
}
